import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { Marked } from 'marked'

const marked = new Marked({ gfm: true, breaks: true })

/** A pull request's body as HTML: tables, task lists, and a line end that breaks a line, as on GitHub. */
export function renderedMarkdown(body: string): string {
  return marked.parse(body, { async: false })
}

const CSS = createRequire(import.meta.url).resolve('github-markdown-css/github-markdown.css')

/** A page that shows it as GitHub does, below its title. */
export function pullRequestPage(title: string, body: string): string {
  const style = `${readFileSync(CSS, 'utf8')}
body { margin: 0; padding: 24px; font-family: system-ui, sans-serif }
@media (prefers-color-scheme: dark) { body { background: #0d1117; color: #e6edf3 } }
h1 { font-weight: 400; font-size: 26px; margin: 0 0 16px }
li:has(> input[type=checkbox], > p > input[type=checkbox]) { list-style: none; margin-left: -1.4em }
.markdown-body { border: 1px solid #8885; border-radius: 6px; padding: 16px 20px }`
  return `<!doctype html><meta charset="utf-8"><title>${title}</title><style>${style}</style>
<h1>${title}</h1><article class="markdown-body">${renderedMarkdown(body)}</article>`
}
