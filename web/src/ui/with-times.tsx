import { Ago, Clock } from './words.tsx'

/** As the API writes times. */
const TIME = /(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z)/

/** A text in which times are told as the reader's place has them. One that is a time alone is told as how long ago that was. */
export function WithTimes({ text }: { text: string }) {
  const parts = text.split(TIME)
  const [before = '', only = '', after = ''] = parts
  if (parts.length === 3 && before === '' && after === '') return <Ago at={only} />
  return parts.map((part, index) =>
    // What the pattern caught stands at the odd places, and none moves.
    // oxlint-disable-next-line react/no-array-index-key
    index % 2 === 1 ? <Clock key={index} at={part} /> : part,
  )
}
