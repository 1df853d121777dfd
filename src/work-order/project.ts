/** The repository an order is for. */
export type Project = {
  id: string
  name: string
  /** What git fetches from and pushes to: a URL or an absolute path. */
  repository: string
  defaultBranch: string
  forge: 'local' | 'github'
}
