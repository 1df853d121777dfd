/** The variables of Supabase that the specification names (6.1), as they are in the environment. */
export type SupabaseVariables = {
  DATABASE_URL?: string | undefined
  NEXT_PUBLIC_SUPABASE_URL?: string | undefined
  NEXT_PUBLIC_SUPABASE_ANON_KEY?: string | undefined
  SUPABASE_SERVICE_ROLE_KEY?: string | undefined
}

const NAMES = ['NEXT_PUBLIC_SUPABASE_URL', 'SUPABASE_SERVICE_ROLE_KEY', 'NEXT_PUBLIC_SUPABASE_ANON_KEY'] as const

/**
 * Which connection string is missing, and where it stands, where an environment names a project of Supabase and no database;
 * null: nothing is missing. Their URL and keys are those of an API, through which no session of Postgres can be had.
 */
export function missingConnection(set: SupabaseVariables): string | null {
  const named = NAMES.filter((name) => set[name] !== undefined)
  if (set.DATABASE_URL !== undefined || named.length === 0) return null
  const project = projectIn(set.NEXT_PUBLIC_SUPABASE_URL)
  const name = project === null ? 'PROJECT' : project
  return (
    `${named.join(', ')} ${named.length === 1 ? 'is' : 'are'} set and DATABASE_URL is not, so the database is the embedded one and not ` +
    `that of Supabase. Moose needs its connection string, which stands at https://supabase.com/dashboard/project/${name}?showConnect=true ` +
    `under "Session pooler" (port 5432; not the transaction pooler). Put the password of the database into it and set ` +
    `DATABASE_URL=postgresql://postgres.${name}:PASSWORD@aws-0-REGION.pooler.supabase.com:5432/postgres`
  )
}

/** The project of `https://PROJECT.supabase.co`; null: an address of another form, such as that of a server of one's own. */
function projectIn(url: string | undefined): string | null {
  const [, project] = /^https:\/\/([a-z0-9]{10,40})\.supabase\.co(?:[/?#]|$)/.exec(url === undefined ? '' : url) ?? []
  return project === undefined ? null : project
}
