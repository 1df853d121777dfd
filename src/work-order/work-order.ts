import type { WorkOrderContent } from './content.ts'
import type { Phase, Status } from './status.ts'

/** One order as the domain sees it. Its content may still be unchecked when a Director wrote it with plain SQL. */
export type WorkOrder = WorkOrderContent & {
  /** A UUID. */
  id: string
  status: Status
  phase: Phase | null
  projectId: string | null
  approved: boolean
  createdAt: Date
}

/** The repository an order is for. */
export type Project = {
  id: string
  name: string
  /** What git fetches from and pushes to: a URL or an absolute path. */
  repository: string
  defaultBranch: string
  forge: 'local' | 'github'
}
