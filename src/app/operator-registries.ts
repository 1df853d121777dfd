import { realpath } from 'node:fs/promises'
import path from 'node:path'
import type { Config } from '../config.ts'
import { MOST_BYTES } from '../detect/checkout-files.ts'
import type { Detection } from '../detect/detect.ts'
import type { Finding } from '../detect/finding.ts'
import type { Proposal } from '../detect/proposal.ts'
import { hostsIn, NPMRC_REGISTRY } from '../detect/registries.ts'
import { readPlainFile } from '../files/plain-file.ts'

/** Of what a set-up reaches, for a language. `isSeen`: children read what names it too. */
export type OperatorRegistry = { language: Finding['language']; host: string; named: string; isSeen: boolean }

const PIP = /^[ \t]*(?:extra-)?index-url[ \t]*=[ \t]*(\S{1,300})/gm
const TOML = /^[ \t]*(?:url|index-url|registry|index)[ \t]*=[ \t]*["'](?:sparse\+)?(\S{1,300})/gm
const GO = /^GOPROXY=(\S{1,300})/gm
const MAVEN = /<url>[ \t]*([^<\s]{1,300})/g
/** In a list, which has commas or blanks; uv's have a name before them. */
const ANY = /(https?:[^\s,|]{1,300})/g

/** `~` is the operator's HOME, which no child sees; the others are given to every child. */
const FILES: readonly (readonly [place: string, language: Finding['language'], address: RegExp])[] = [
  ['/etc/npmrc', 'node', NPMRC_REGISTRY],
  ['/usr/etc/npmrc', 'node', NPMRC_REGISTRY],
  ['/usr/local/etc/npmrc', 'node', NPMRC_REGISTRY],
  ['/etc/pip.conf', 'python', PIP],
  ['/etc/maven/settings.xml', 'java', MAVEN],
  ['~/.npmrc', 'node', NPMRC_REGISTRY],
  ['~/.config/pip/pip.conf', 'python', PIP],
  ['~/.pip/pip.conf', 'python', PIP],
  ['~/.config/uv/uv.toml', 'python', TOML],
  ['~/.config/go/env', 'go', GO],
  ['~/.cargo/config.toml', 'rust', TOML],
  ['~/.m2/settings.xml', 'java', MAVEN],
]

const LANGUAGES: readonly (readonly [name: RegExp, language: Finding['language']])[] = [
  [/^(?:npm|yarn)_/i, 'node'],
  [/^(?:PIP|UV)_/, 'python'],
  [/^GO/, 'go'],
]

/** The registries that this machine's configuration and the operator's own name, by variable or file. */
export async function operatorRegistries({
  registryEnvironment,
  toolchainEnvironment: { HOME: home },
}: Pick<Config, 'registryEnvironment' | 'toolchainEnvironment'>): Promise<OperatorRegistry[]> {
  const found: OperatorRegistry[] = []
  for (const [place, language, address] of FILES) {
    const isSeen = !place.startsWith('~/')
    if (!isSeen && home === undefined) continue
    const text = await textOf(isSeen ? place : path.join(String(home), place.slice(2)))
    const said = place.endsWith('.xml') ? withoutComments(text) : text
    found.push(...hostsIn(said, address).map((host) => ({ language, host, named: place, isSeen })))
  }
  for (const [name, value] of Object.entries(registryEnvironment)) {
    for (const [, language] of LANGUAGES.filter(([pattern]) => pattern.test(name))) {
      found.push(...hostsIn(value, ANY).map((host) => ({ language, host, named: name, isSeen: false })))
    }
  }
  return found
}

async function textOf(file: string): Promise<string> {
  // Configuration of one's own is often a link to where it is kept.
  const place = await realpath(file).catch(() => null)
  const text = place === null ? null : await readPlainFile(place, MOST_BYTES)
  return text === null ? '' : text
}

/** The settings that Maven comes with show hosts in comments. */
function withoutComments(xml: string): string {
  const [before = '', ...rest] = xml.split('<!--')
  return before + rest.map((piece) => piece.split('-->').slice(1).join('-->')).join('')
}

/** A proposal that asks for these registries too, of the languages that were found, and says of which set-ups know nothing. */
export function withRegistries(
  proposal: Proposal,
  { findings }: Pick<Detection, 'findings'>,
  registries: readonly OperatorRegistry[],
): Proposal {
  const languages = new Set(findings.filter(({ hosts }) => hosts.length > 0).map(({ language }) => language))
  const known = new Set(proposal.hosts.map(({ value }) => value))
  const more = registries.filter(({ language, host }) => languages.has(language) && !known.has(host))
  const byHost = [...new Map(more.map((one) => [one.host, one])).values()]
  return {
    ...proposal,
    hosts: [...proposal.hosts, ...byHost.map(({ host, named }) => ({ value: host, why: named }))],
    notes: [...proposal.notes, ...byHost.filter(({ isSeen }) => !isSeen).map(unseen)],
  }
}

function unseen({ host, named }: OperatorRegistry): string {
  return `${named} names ${host}. Set-up does not see that: it is asked only where env: of moose.yaml or a file of the repository names it too.`
}
