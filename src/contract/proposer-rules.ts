/** What a proposer's address, headers and fields may be. Each rule gives what is wrong, to follow the name; null: nothing. */
type Rule = (text: string) => string | null

const KEY_BELONGS = 'put the key into an environment variable and name that with key_variable (--key-variable)'

/** A name that a key, a token or a password goes by, as a header or as a parameter of a query. */
const CREDENTIAL = /auth(?!ors?$)|cookie|credential|passw|secret|signature|token(?!s)|(^|[-_])(sig|key)$|apikey/i

/** Whether what has this name is likely a secret, which is neither taken in nor shown. */
export function looksSecret(name: string): boolean {
  return CREDENTIAL.test(name)
}

/** What `urlProblem` says, as far as a pattern can say it. */
const NUMBER = String.raw`(?:1\d\d|[1-9]?\d)`
const HOST = String.raw`(?:(?:[A-Za-z0-9-]+\.)*[A-Za-z][A-Za-z0-9-]*|${NUMBER}(?:\.${NUMBER}){3}|\[::1\])`
const LOOPBACK = String.raw`(?:(?:[a-z0-9-]+\.)*localhost|127(?:\.${NUMBER}){3}|\[::1\])`
/** https, or http to this machine. */
export const ORIGIN_PATTERN = String.raw`^(?!.*[Xx][Nn]--)(?:https://${HOST}|http://${LOOPBACK})(?::[0-5]?\d{1,4})?(?=[/?]|$)`
export const URL_PATTERN = [
  ORIGIN_PATTERN,
  String.raw`(?![^/?]*@)(?!.*\?.*(?i:${CREDENTIAL.source.replaceAll('$', '(?=[=&]|$)').replace('(^|', '([?&]|')}))[!"$-~]*$`,
].join('')

/** A URL that parses. Clear text leaves this machine only by mistake, and with it the key. */
export const urlProblem: Rule = (text) => {
  if (!URL.canParse(text)) return null
  if (!/^[\x21-\x7e]+$/.test(text))
    return 'holds a space, a line break or another character that has to be percent-encoded'
  const { username, password, hash, protocol, hostname, searchParams } = new URL(text)
  if (username !== '' || password !== '')
    return `holds a user or password, which would be stored and shown; ${KEY_BELONGS}`
  const secret = [...searchParams.keys()].find(looksSecret)
  if (secret !== undefined)
    return `holds "${secret.slice(0, 40)}" in its query, which would be stored and shown; ${KEY_BELONGS}`
  if (hash !== '') return 'ends in a # part, which no server is sent'
  if (protocol === 'http:' && !isLoopback(hostname))
    return 'must begin with https://: over http the key and the code are sent in clear text (http is for servers on this machine, such as http://127.0.0.1:11434/v1)'
  return null
}

/** @param hostname as `URL` gives it */
export function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    /^127\.\d+\.\d+\.\d+$/.test(hostname)
  )
}

/** Set by HTTP, by the SDKs or by Moose. */
const OWN_HEADERS = new Set([
  'accept',
  'accept-encoding',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'expect',
  'host',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'x-client-request-id',
  'x-moose-status',
])

const HEADER_NAME = /^[A-Za-z0-9-]{1,100}$/

/** What `headerProblem` says, as JSON schema says it of a name. */
export const HEADER_NAMES = namesOf(HEADER_NAME, CREDENTIAL, OWN_HEADERS)

export const headerProblem: Rule = (name) => {
  if (!HEADER_NAME.test(name)) return 'is not the name of a header: letters, digits and dashes, at most 100'
  if (looksSecret(name)) return `carries a credential; ${KEY_BELONGS}`
  return OWN_HEADERS.has(name.toLowerCase()) ? 'is set by Moose and cannot be replaced' : null
}

/** What Moose answers for: what is asked, how much may come back, and that it comes as a stream. */
const OWN_FIELDS = new Set([
  'model',
  'messages',
  'input',
  'prompt',
  'contents',
  'system',
  'system_instruction',
  'systeminstruction',
  'instructions',
  'stream',
  'stream_options',
  'max_tokens',
  'max_completion_tokens',
  'max_output_tokens',
  'maxoutputtokens',
  'max_tokens_to_sample',
  'generationconfig',
  'generation_config',
  'n',
  'best_of',
  'store',
  'background',
  'previous_response_id',
  'conversation',
])

/** Narrower than for headers: `stop_token_ids` and `prompt_cache_key` are none. */
const SECRET_FIELD = /^(api[-_]?)?(key|secret|token|password)$|^(access|auth)[-_]?token$|^authorization$/i

const FIELD_NAME = /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/

/** What `bodyFieldProblem` says, as JSON schema says it of a name. */
export const FIELD_NAMES = namesOf(FIELD_NAME, SECRET_FIELD, OWN_FIELDS)

function namesOf(form: RegExp, secret: RegExp, own: ReadonlySet<string>) {
  return { pattern: form.source, not: { pattern: `(?i:${secret.source}|^(${[...own].join('|')})$)` } }
}

export const bodyFieldProblem: Rule = (name) => {
  if (!FIELD_NAME.test(name)) return 'is not the name of a field: letters, digits, _ . and -, at most 64'
  if (SECRET_FIELD.test(name)) return `carries a credential; ${KEY_BELONGS}`
  return OWN_FIELDS.has(name.toLowerCase()) ? 'is set by Moose and cannot be replaced' : null
}

/** A base URL as it may be shown: without a user, a password, and what its query holds of secrets. */
export function shownBaseUrl(baseUrl: string): string {
  if (!URL.canParse(baseUrl)) return '(no URL)'
  const shown = new URL(baseUrl)
  if (shown.username !== '' || shown.password !== '') {
    shown.username = '***'
    shown.password = ''
  }
  for (const name of [...shown.searchParams.keys()].filter(looksSecret)) shown.searchParams.set(name, '***')
  return shown.href
}
