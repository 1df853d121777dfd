import { lazy, type ReactNode } from 'react'

const Service = lazy(async () => ({ default: (await import('./service.tsx')).Service }))
const Workers = lazy(async () => ({ default: (await import('./workers.tsx')).Workers }))
const Caps = lazy(async () => ({ default: (await import('./caps.tsx')).Caps }))
const Projects = lazy(async () => ({ default: (await import('./projects.tsx')).Projects }))
const AuditPart = lazy(async () => ({ default: (await import('./audit.tsx')).AuditPart }))
const DoctorPart = lazy(async () => ({ default: (await import('./doctor.tsx')).DoctorPart }))
const ProposersPart = lazy(async () => ({ default: (await import('./proposers.tsx')).ProposersPart }))
const TokensPart = lazy(async () => ({ default: (await import('./tokens.tsx')).TokensPart }))
const NotificationsPart = lazy(async () => ({ default: (await import('./notifications.tsx')).NotificationsPart }))

type Part = {
  /** In its address, `/operate/PART`. */
  part: string
  title: string
  show: () => ReactNode
}

/** What there is to operate, in the order of its tabs; each loads its code when it is opened. `/operate` shows the first. */
export const PARTS: readonly Part[] = [
  { part: 'service', title: 'Service', show: () => <Service /> },
  { part: 'workers', title: 'Workers', show: () => <Workers /> },
  { part: 'caps', title: 'Caps', show: () => <Caps /> },
  { part: 'projects', title: 'Projects', show: () => <Projects /> },
  { part: 'proposers', title: 'Proposers', show: () => <ProposersPart /> },
  { part: 'notifications', title: 'Notifications', show: () => <NotificationsPart /> },
  { part: 'doctor', title: 'Doctor', show: () => <DoctorPart /> },
  { part: 'audit', title: 'Audit', show: () => <AuditPart /> },
  { part: 'tokens', title: 'Tokens', show: () => <TokensPart /> },
]
