import { z } from '@hono/zod-openapi'
import { storedText } from './stored-text.ts'

export const NewProject = z
  .strictObject({
    name: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'must be letters, digits, dots, dashes or underscores, at most 64'),
    /** A git URL (https, ssh) or an absolute path. */
    repository: storedText(2000).min(1, 'is empty'),
    /** Left out: the branch the repository's HEAD names. */
    default_branch: storedText(200).min(1, 'is empty').optional(),
    /** Left out: `github` for a repository on github.com or on the host of `GH_HOST`, otherwise `local`. */
    forge: z.enum(['local', 'github']).optional(),
  })
  .openapi('NewProject')
export type NewProject = z.infer<typeof NewProject>

export const ProjectView = z
  .object({
    id: z.guid(),
    name: z.string(),
    repository: z.string(),
    default_branch: z.string(),
    forge: z.enum(['local', 'github']),
  })
  .openapi('Project')
export type ProjectView = z.infer<typeof ProjectView>

export const ProjectResponse = z.object({
  success: z.literal(true),
  project: ProjectView,
  /** False: the same project was there already. */
  added: z.boolean(),
  /** True: the origin of the checkout names a user, a password or a token before its host, which was left out. */
  login_left_out: z.boolean(),
})
export type AddedProject = Omit<z.infer<typeof ProjectResponse>, 'success'>
export const ProjectsResponse = z.object({ success: z.literal(true), projects: z.array(ProjectView) })
