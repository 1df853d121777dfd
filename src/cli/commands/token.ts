import { Command, InvalidArgumentError, Option } from 'commander'
import { SCOPES } from '../../config/scopes.ts'
import {
  type NewToken,
  NewTokenResponse,
  type Scope,
  TokenResponse,
  TokensResponse,
  type TokenView,
} from '../../contract/api-token.ts'
import { type Cli, withApi } from '../cli.ts'
import { ago } from '../pages/humanize.ts'
import type { Paint } from '../pages/output.ts'
import { table } from '../pages/table.ts'
import { harmless } from '../pages/terminal-text.ts'

const PATH = '/api/tokens'

export function tokenCommand(cli: Cli): Command {
  const command = new Command('token')
    .description(
      'The tokens of the API. Commands read that of their home by themselves, from the file api-token in it; programs, ' +
        'other people and other machines each get one of their own.',
    )
    .addHelpText('after', HELP)
  for (const part of [listCommand, createCommand, revokeCommand]) command.addCommand(part(cli))
  return command
}

const HELP = `
Scopes, each of which includes read:
  read     see everything
  file     file work orders and correct them
  approve  approve and reject orders, merge and close their pull requests
  operate  everything else: runs, budget, projects, proposers, tokens

Examples:
  $ moose token create planner --scope file
  $ moose token create prometheus --scope read --days 365
  $ moose token revoke planner`

const example = (line: string) => `\nExample:\n  $ ${line}`

function listCommand(cli: Cli): Command {
  return new Command('list')
    .alias('ls')
    .summary('list tokens')
    .description('Lists the tokens, those that count first. None is shown itself: only its hash is stored.')
    .addHelpText('after', example('moose token list'))
    .action(() =>
      withApi(cli, async (api) => {
        const listed = await api.call({ method: 'GET', path: PATH, answer: TokensResponse })
        const { output } = cli
        output.document(listed)
        if (listed.tokens.length === 0)
          return output.note('No tokens yet. The first start of a service makes that of its home: moose up')
        output.line(tokenTable(listed.tokens, new Date(), output.paint))
      }),
    )
}

function tokenTable(tokens: readonly TokenView[], now: Date, paint: Paint): string {
  const heads = ['NAME', 'SCOPES', 'MADE', 'BY', 'USED', 'STATE'].map((head) => paint.dim(head))
  const rows = tokens.map((token) => [
    paint.bold(token.name),
    token.scopes.join(', '),
    ago(new Date(token.created_at), now),
    harmless(token.created_by),
    token.last_used_at === null ? 'never' : ago(new Date(token.last_used_at), now),
    stateOf(token, now, paint),
  ])
  return table([heads, ...rows])
}

function stateOf({ revoked_at, expires_at }: TokenView, now: Date, paint: Paint): string {
  if (revoked_at !== null) return paint.dim(`revoked ${ago(new Date(revoked_at), now)}`)
  if (expires_at === null) return paint.green('counts')
  const day = expires_at.slice(0, 10)
  return new Date(expires_at) <= now ? paint.dim(`expired ${day}`) : paint.green(`until ${day}`)
}

type CreateOptions = { scope: Scope[]; days?: number }

function createCommand(cli: Cli): Command {
  return new Command('create')
    .summary('make a token; it is shown this once')
    .description(
      'Makes a token and prints it, this once: only its hash is stored. It cannot allow more than what the command itself may do.',
    )
    .argument('<name>', 'whose it is; it stands beside everything that is done with it')
    .addOption(new Option('--scope <scope...>', 'what it allows').choices(SCOPES).makeOptionMandatory())
    .option('--days <number>', 'after how many days it expires; never without', days)
    .addHelpText('after', example('moose token create planner --scope file'))
    .action((name: string, options: CreateOptions) =>
      withApi(cli, async (api) => {
        const { scope: scopes, days: expires_in_days = null } = options
        const body: NewToken = { name, scopes, expires_in_days }
        const made = await api.call({ method: 'POST', path: PATH, body, answer: NewTokenResponse })
        const { output } = cli
        output.document(made)
        output.line(made.secret)
        output.note('It is not shown again. Give it to its program as MOOSE_API_TOKEN, or as: Authorization: Bearer …')
      }),
    )
}

function days(text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It must be a whole number of days.')
}

function revokeCommand(cli: Cli): Command {
  return new Command('revoke')
    .summary('refuse a token from now on')
    .description('Refuses a token from now on. What was done with it keeps its name.')
    .argument('<name>', 'which one; see them with: moose token list')
    .addHelpText('after', example('moose token revoke planner'))
    .action((name: string) =>
      withApi(cli, async (api) => {
        const path = `${PATH}/${encodeURIComponent(name)}`
        const revoked = await api.call({ method: 'DELETE', path, answer: TokenResponse })
        cli.output.document(revoked)
        cli.output.line(`Revoked ${revoked.token.name}.`)
      }),
    )
}
