import { createInterface } from 'node:readline/promises'

/**
 * A question to be answered with yes or no, on a terminal.
 *
 * @returns null where nobody can answer: stdin or stdout is no terminal. Anything but `y` or `yes` is no
 */
export async function askedYes(question: string): Promise<boolean | null> {
  const { stdin: input, stdout: output } = process
  if (!input.isTTY || !output.isTTY) return null
  const answers = createInterface({ input, output })
  try {
    // Ctrl-C and Ctrl-D close it without an answer.
    const closed = new Promise<string>((resolve) => answers.once('close', () => resolve('')))
    const answer = await Promise.race([answers.question(`${question} [y/N] `), closed])
    return /^y(?:es)?$/i.test(answer.trim())
  } finally {
    answers.close()
  }
}
