import type { ModelAnswer } from '../models/model-answer.ts'
import { NO_USD } from '../money.ts'
import type { ProposerResponse } from '../ports/proposal.ts'

/** What the answers of one proposal cost together, as the seed's response states it. */
export function addUp(
  answers: readonly ModelAnswer[],
): Required<Pick<ProposerResponse, 'cost' | 'token_usage' | 'replayed'>> {
  const sum = (tokens: (answer: ModelAnswer) => number) => answers.reduce((total, answer) => total + tokens(answer), 0)
  return {
    cost: answers.reduce((total, { costUsd }) => total.plus(costUsd), NO_USD).toNumber(),
    token_usage: {
      input: sum(({ usage }) => usage.input),
      output: sum(({ usage }) => usage.output),
      total: sum(({ usage }) => usage.total),
    },
    replayed: answers.some(({ replayed }) => replayed),
  }
}
