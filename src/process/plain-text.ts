import { stripVTControlCharacters } from 'node:util'

/** Without colours, cursor movements and other control characters (a NUL cannot even be stored). */
export function plainText(text: string): string {
  return stripVTControlCharacters(text)
    .replaceAll('\r\n', '\n')
    .replaceAll('\r', '\n')
    .replace(/[^\P{Cc}\n\t]/gu, '')
    .toWellFormed()
}
