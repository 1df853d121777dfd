import { knownOrOther } from './stored-text.ts'
import { z } from './zod.ts'

export const ChangedFileView = z
  .object({
    path: z.string(),
    change: knownOrOther(['added', 'modified', 'deleted']),
    /** Lines; null for a binary file. */
    added: z.number().int().nullable(),
    deleted: z.number().int().nullable(),
    /** Whether the order names it, or a folder it is in, as it is now. */
    in_scope: z.boolean(),
    protected: z
      .string()
      .nullable()
      .openapi({
        description:
          'Why a human has to allow its change, so that it completes "PATH is …"; null: nobody has to, by the rules of the ' +
          'project as they are now, and by what is held of it.',
      }),
    /** Its part of the diff. */
    diff: z.string(),
    text: z.string().nullish().openapi({
      description:
        'The same for reading, where `diff` is a binary patch of text in an encoding other than UTF-8; null: `diff` reads as it is.',
    }),
  })
  .openapi('ChangedFile')
export type ChangedFileView = z.infer<typeof ChangedFileView>

export const OrderChanges = z
  .object({
    /** `pull_request`: what it holds; `held`: the beginning of what a human has to allow first. */
    source: z.enum(['pull_request', 'held']),
    /** In the order of the diff. The diff of all of them, one after the other, is what `moose show --diff` prints. */
    files: z.array(ChangedFileView),
    /** The note in place of what was too long to be kept; null: the diff is whole. */
    cut: z.string().nullable(),
  })
  .openapi('OrderChanges')
export type OrderChanges = z.infer<typeof OrderChanges>

export const ChangesResponse = z.object({
  success: z.literal(true),
  work_order_id: z.guid(),
  /** Null: there is no pull request and nothing is held. */
  changes: OrderChanges.or(z.null()),
})
