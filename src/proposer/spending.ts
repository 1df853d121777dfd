import type { ModelAnswer } from '../models/model-answer.ts'
import type { ProposerResponse } from '../pipeline/ports/proposal.ts'

/** What the answers of one proposal cost together, as the seed's response states it. */
export function addUp(
  answers: readonly ModelAnswer[],
): Required<Pick<ProposerResponse, 'cost' | 'cost_unknown' | 'token_usage' | 'replayed'>> {
  const sum = (tokens: (answer: ModelAnswer) => number) => answers.reduce((total, answer) => total + tokens(answer), 0)
  return {
    cost: sum(({ costUsd }) => (costUsd === null ? 0 : costUsd)),
    cost_unknown: answers.some(({ costUsd }) => costUsd === null),
    token_usage: {
      input: sum(({ usage }) => usage.input),
      output: sum(({ usage }) => usage.output),
      total: sum(({ usage }) => usage.total),
    },
    replayed: answers.some(({ replayed }) => replayed),
  }
}
