import { Command } from 'commander'
import type { Config } from '../../../config.ts'
import { LoginLinkResponse, type NewLoginLink } from '../../../contract/session.ts'
import type { z } from '../../../contract/zod.ts'
import { Fault } from '../../../faults/fault.ts'
import { openInBrowser } from '../../../process/open-in-browser.ts'
import type { Cli } from '../../cli.ts'
import { apiOf, serviceOf } from '../../client/connect.ts'

export function openCommand(cli: Cli): Command {
  return new Command('open')
    .description(
      'Opens Mission Control, the page of the running service, in the browser of this desktop, and prints the link: it logs ' +
        'one browser in, once, within two minutes. The browser may then do what the token allows that the command has, for ' +
        'twelve hours at most. Without a desktop, as over SSH, the link is only printed.',
    )
    .argument('[order]', 'a work order to open there, by its id or its first characters (at least 4)')
    .option(
      '--print',
      'only print the link: for another browser, or where other users of the machine see its processes',
    )
    .addHelpText('after', '\nExamples:\n  $ moose open\n  $ moose open 1a2b3c4d\n  $ moose open --print')
    .action(async (order: string | undefined, { print }: { print?: true }) => {
      const config = cli.config()
      const service = await serviceOf(config)
      if (service === null) {
        const { home } = config
        throw new Fault('not_running', `No service is up for ${home}. Start one with: moose up --start`, { home })
      }
      const made = await loginLink(service, config, order === undefined ? {} : { order })
      const { url } = made
      const { output } = cli
      output.document(made)
      output.line(url)
      const isOpened = print !== true && !output.json && (await openInBrowser(url, cli.environment))
      if (isOpened) output.note('It is opened in your browser.')
      if (made.expires_at !== null) output.note(LINK_COUNTS_ONCE)
    })
}

export const LINK_COUNTS_ONCE = 'It logs one browser in, once, within two minutes.'

/** @param service that serves the home of the configuration */
export async function loginLink(
  service: { url: string },
  config: Config,
  leadingTo: z.input<typeof NewLoginLink>,
): Promise<z.infer<typeof LoginLinkResponse> & { url: string }> {
  const api = await apiOf(service, config)
  const call = { method: 'POST', path: '/api/sessions/links', body: leadingTo, answer: LoginLinkResponse } as const
  const made = await api.call(call)
  return { ...made, url: (made.page_url === null ? service.url : made.page_url) + made.path }
}
