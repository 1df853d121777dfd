/** Beside the page, so that however long a change takes, the page does not stand still. */
import { common, createLowlight } from 'lowlight'
import { markEdits, tokenize } from 'react-diff-view'
import type { ColourAnswer, ColourQuestion } from './diff-colours.ts'

const lowlight = createLowlight(common)
const refractor = { highlight: (code: string, language: string) => lowlight.highlight(language, code).children }

self.addEventListener('message', ({ data: { id, hunks, language } }: MessageEvent<ColourQuestion>) => {
  const enhancers = [markEdits(hunks, { type: 'block' })]
  const tokens =
    language !== null && lowlight.registered(language)
      ? tokenize(hunks, { highlight: true, refractor, language, enhancers })
      : tokenize(hunks, { enhancers })
  self.postMessage({ id, tokens } satisfies ColourAnswer)
})
