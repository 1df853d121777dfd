import { type Kysely, sql } from 'kysely'
import { repositoryKey } from '../../git/repository-url.ts'
import { STATUSES } from '../../work-order/status.ts'
import type { Database } from '../schema.ts'

type Db = Kysely<Database>

type NewProject = { name: string; repository: string; forgeHost: string | null; place: string }
type LeftProject = { id: string; name: string; local_path: string | null; github_repo_url: string | null }

/**
 * The row that the first Moose has left for a project, which knew a folder and an address where Moose has a repository; undefined:
 * none. By the address; where it has none, by the folder, else by a name that no other such row has.
 *
 * @param project `place`: what was named, an address or the folder of a checkout
 */
export async function leftProject(db: Db, project: NewProject): Promise<LeftProject | undefined> {
  const { name, repository, forgeHost, place } = project
  const { rows } = await sql<LeftProject>`
    select id, name, local_path, github_repo_url from projects
    where repository is null and removed_at is null and (local_path is not null or github_repo_url is not null)
      and not exists (select from projects as used where used.name = ${name} and used.repository is not null)
    order by created_at, id for update
  `.execute(db)
  const key = repositoryKey({ repository, forgeHost })
  const isThis = (url: string) => repositoryKey({ repository: url, forgeHost: null }) === key
  const byAddress = rows.find(({ github_repo_url: url }) => url !== null && isThis(url))
  if (byAddress !== undefined) return byAddress
  // Of another address is another project, whatever it is called.
  const others = rows.filter(({ github_repo_url: url }) => url === null)
  const byFolder = others.find(({ local_path: folder }) => folder === place || folder === repository)
  const named = others.filter((row) => row.name === name)
  return byFolder === undefined && named.length === 1 ? named[0] : byFolder
}

/** Has the orders of a project that the first Moose's Director had approved wait here as approved. @returns how many */
export async function takeApprovedOrders(db: Db, projectId: string): Promise<number> {
  const { rows } = await sql<{ id: string }>`
    update work_orders set status = 'pending', metadata = case jsonb_typeof(metadata) when 'object' then metadata else '{}' end
      || '{"approved_by_director": true}'
    where project_id = ${projectId} and status = 'approved' returning id
  `.execute(db)
  return rows.length
}

/** Orders in statuses of the first Moose's own, which are kept and not carried out; by status. */
export async function leftOrders(db: Db): Promise<{ status: string; orders: number }[]> {
  const { rows } = await sql<{ status: string; orders: number }>`
    select left(coalesce(status, 'null'), 40) as status, count(*)::integer as orders from work_orders
    where status is null or status not in (${sql.join([...STATUSES])})
    group by 1 order by 2 desc, 1 limit 20
  `.execute(db)
  return rows
}
