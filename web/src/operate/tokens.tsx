import { queryOptions, useQuery } from '@tanstack/react-query'
import { answer, api, type Schemas } from '../api/client.ts'
import { sessionQuery } from '../api/queries.ts'
import { useKeys } from '../ui/keys.ts'
import { Empty, Failed, Loading } from '../ui/states.tsx'
import { Ago, useNow } from '../ui/words.tsx'
import { NotAllowed, useQuestion, useWhyNot } from './asking.tsx'
import { NewToken } from './new-token.tsx'
import './provide.css'
import { useCurrent } from './use-current.ts'

type Token = Schemas['Token']

const MINUTE_MS = 60_000

const tokensQuery = queryOptions({
  queryKey: ['tokens'],
  queryFn: async ({ signal }) => (await answer(api.GET('/api/tokens', { signal }))).tokens,
})

/** Who may call the API, and with what scopes. */
export function TokensPart() {
  const whyNot = useWhyNot('operate')
  if (whyNot !== undefined) return <NotAllowed what="the tokens" />
  return <Tokens />
}

function Tokens() {
  const { data: tokens, error, refetch } = useQuery(tokensQuery)
  if (tokens === undefined && error !== null) return <Failed error={error} retry={() => void refetch()} />
  if (tokens === undefined) return <Loading what="the tokens" />
  const counting = tokens.filter(counts)
  const over = tokens.filter((token) => !counts(token))
  return (
    <>
      <div className="provide-head">
        <p className="quiet">
          Each program, person and machine gets a token of its own. None is shown here: only its hash is stored.
        </p>
        <NewToken taken={counting.map(({ name }) => name)} />
      </div>
      {counting.length === 0 ? <Empty>No token counts. The next command makes that of the home.</Empty> : null}
      <TokenList tokens={counting} />
      {over.length === 0 ? null : (
        <details className="provide-fine">
          <summary>{over.length} expired or revoked</summary>
          <ul className="provide-cards">
            {over.map((token) => (
              <li key={`${token.name} ${token.created_at}`} className="provide-card">
                <TokenFacts token={token} isOwn={false} />
              </li>
            ))}
          </ul>
        </details>
      )}
    </>
  )
}

function counts({ revoked_at: revoked, expires_at: expires }: Token): boolean {
  return revoked === null && (expires === null || Date.parse(expires) > Date.now())
}

function TokenList({ tokens }: { tokens: readonly Token[] }) {
  const { data: session } = useQuery(sessionQuery)
  const own = session?.actor.kind === 'token' ? session.actor.name : null
  const [ask, dialog] = useQuestion()
  const { at, keys } = useCurrent(tokens.length, 'token')
  const revoke = (token: Token) =>
    ask({
      title: `Revoke ${token.name}`,
      text: <RevokeTerms token={token} isOwn={token.name === own} />,
      label: 'Revoke',
      isDanger: true,
      done: `Revoked ${token.name}`,
      send: () => answer(api.DELETE('/api/tokens/{name}', { params: { path: { name: token.name } } })),
    })
  const current = tokens[at]
  useKeys({ ...keys, x: () => current !== undefined && revoke(current) })
  return (
    <>
      <ul className="provide-cards">
        {tokens.map((token, index) => (
          <li key={token.name} id={`token-${index}`} className="provide-card" data-current={index === at}>
            <TokenFacts token={token} isOwn={token.name === own} />
            <div className="buttons">
              <button type="button" aria-label={`Revoke ${token.name}`} onClick={() => revoke(token)}>
                Revoke
              </button>
            </div>
          </li>
        ))}
      </ul>
      {dialog}
    </>
  )
}

function RevokeTerms({ token, isOwn }: { token: Token; isOwn: boolean }) {
  return (
    <>
      <p>It is refused from now on, by other processes within two seconds. What was done with it keeps its name.</p>
      {isOwn ? (
        <p className="warn">This browser acts with it: you are logged out at once.</p>
      ) : token.name.startsWith('home-') ? (
        <p className="warn">It looks like that of a home: its commands make another by themselves.</p>
      ) : null}
    </>
  )
}

/** When it was used is known to the hour, and never before it was made. */
function TokenFacts({ token, isOwn }: { token: Token; isOwn: boolean }) {
  const { name, scopes, created_at: made, created_by: by, last_used_at: used, expires_at, revoked_at } = token
  const now = useNow(MINUTE_MS)
  return (
    <>
      <p className="entry-line">
        <strong>{name}</strong>
        {isOwn ? <span className="badge running">this browser</span> : null}
        {revoked_at === null ? null : <span className="badge other">revoked</span>}
        <span>{scopes.join(', ')}</span>
      </p>
      <p className="entry-line quiet">
        <span>
          made <Ago at={made} /> by {by}
        </span>
        <span>
          {used === null ? (
            'never used'
          ) : (
            <>
              used <Ago at={Date.parse(used) > Date.parse(made) ? used : made} />
            </>
          )}
        </span>
        {expires_at === null ? (
          <span>does not expire</span>
        ) : (
          <span>
            {Date.parse(expires_at) > now.getTime() ? 'expires' : 'expired'} <Ago at={expires_at} />
          </span>
        )}
        {revoked_at === null ? null : (
          <span>
            revoked <Ago at={revoked_at} />
          </span>
        )}
      </p>
    </>
  )
}
