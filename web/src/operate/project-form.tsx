import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { answer, api, type Schemas } from '../api/client.ts'
import { lackOf, useActing, useHasScope } from '../ui/asked-button.tsx'
import { Choice, Field, Problem } from './field.tsx'
import { FIELDS, linesOf, type ProjectField, patternsProblem } from './project-fields.ts'
import { changedRules, openProblem, Rules, rulesOf } from './project-rules.tsx'

type Project = Schemas['Project']
const FORGES = [
  ['local', 'local'],
  ['github', 'github'],
] as const
type Texts = Record<ProjectField['name'] | 'protect' | 'unprotect', string>

/** What the form holds, and what of it differs from the project. */
function useSettings(project: Project) {
  const before = textsOf(project)
  const [texts, setTexts] = useState(before)
  const [forge, setForge] = useState(project.forge)
  const [signsOff, setSignsOff] = useState(project.sign_off)
  const [rules, setRules] = useState(rulesOf(project))
  const change: Schemas['ProjectChange'] = {
    ...changedTexts(before, texts),
    ...(forge === project.forge ? {} : { forge }),
    ...(signsOff === project.sign_off ? {} : { sign_off: signsOff }),
    ...changedRules(rulesOf(project), rules),
  }
  return {
    texts,
    forge,
    setForge,
    signsOff,
    setSignsOff,
    rules,
    setRules,
    change,
    isChanged: Object.keys(change).length > 0,
    problems: { ...problemsOf(texts), open: openProblem(rules.open) },
    set: (name: keyof Texts) => (value: string) => setTexts({ ...texts, [name]: value }),
    reset: () => {
      setTexts(before)
      setForge(project.forge)
      setSignsOff(project.sign_off)
      setRules(rulesOf(project))
    },
  }
}
type Settings = ReturnType<typeof useSettings>

/** The settings of a project; only what was changed is sent. */
export function ProjectForm({ project: { name }, project }: { project: Project }) {
  const settings = useSettings(project)
  const { change, isChanged, problems, reset } = settings
  const has = useHasScope()
  const navigate = useNavigate()
  const saving = useActing({
    act: async () => {
      const params = { path: { name } }
      const { project: after, running } = await answer(api.PATCH('/api/projects/{name}', { params, body: change }))
      const place = { to: '/operate/$part', params: { part: 'projects' }, search: { name: after.name } } as const
      if (after.name !== name) await navigate({ ...place, replace: true })
      return running.length === 0 ? 'Saved' : `Saved; ${running.length} attempts go on with what they began with`
    },
  })
  const isReady = isChanged && Object.values(problems).every((problem) => problem === null)
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        if (isReady) saving.mutate()
      }}
    >
      <Plain settings={settings} />
      <Protection settings={settings} />
      <Rules rules={settings.rules} change={settings.setRules} problem={problems.open} />
      <Problem error={saving.error} />
      <div className="buttons">
        <button
          type="submit"
          className="primary"
          disabled={!isReady || saving.isPending || !has('operate')}
          title={lackOf(has, 'operate')}
        >
          {saving.isPending ? 'It is tried …' : 'Save'}
        </button>
        <button type="button" disabled={!isChanged} onClick={reset}>
          As it was
        </button>
      </div>
    </form>
  )
}

function Plain({ settings }: { settings: Settings }) {
  const { texts, set, problems, forge, setForge, signsOff, setSignsOff } = settings
  return (
    <div className="fields">
      {FIELDS.map(({ name, label, hint, usual }) => (
        <Field
          key={name}
          label={label}
          value={texts[name]}
          change={set(name)}
          hint={hint}
          problem={problems[name]}
          placeholder={usual === null ? '' : usual}
        />
      ))}
      <Choice label="Forge" value={forge} change={setForge} options={FORGES} hint="Where its pull requests live" />
      <label className="tick">
        <input type="checkbox" checked={signsOff} onChange={(event) => setSignsOff(event.target.checked)} />
        Commits say Signed-off-by
      </label>
    </div>
  )
}

function Protection({ settings: { texts, set, problems } }: { settings: Settings }) {
  return (
    <>
      <Field
        label="Protected too"
        value={texts.protect}
        change={set('protect')}
        rows={3}
        problem={problems.protect}
        placeholder="infra/"
        hint="One pattern a line: their change waits for a human, beyond what usually does."
      />
      <Field
        label="Not protected"
        value={texts.unprotect}
        change={set('unprotect')}
        rows={3}
        problem={problems.unprotect}
        placeholder="package-lock.json"
        hint="One pattern a line: their change need not be allowed, though it usually has to be."
      />
    </>
  )
}

function textsOf(project: Project): Texts {
  const of = (name: ProjectField['name']) => {
    const value = project[name]
    return value === null ? '' : value
  }
  return {
    name: of('name'),
    repository: of('repository'),
    default_branch: of('default_branch'),
    forge_host: of('forge_host'),
    branch_pattern: of('branch_pattern'),
    author: of('author'),
    committer: of('committer'),
    signing_key: of('signing_key'),
    sandbox_image: of('sandbox_image'),
    protect: project.protect.join('\n'),
    unprotect: project.unprotect.join('\n'),
  }
}

function problemsOf(texts: Texts): Record<keyof Texts, string | null> {
  const own = (name: ProjectField['name']) => {
    const field = FIELDS.find((one) => one.name === name)
    if (field === undefined || (texts[name] === '' && field.usual !== null)) return null
    return texts[name] === '' ? 'It is empty' : field.problem(texts[name])
  }
  return {
    name: own('name'),
    repository: own('repository'),
    default_branch: own('default_branch'),
    forge_host: own('forge_host'),
    branch_pattern: own('branch_pattern'),
    author: own('author'),
    committer: own('committer'),
    signing_key: own('signing_key'),
    sandbox_image: own('sandbox_image'),
    protect: patternsProblem(texts.protect),
    unprotect: patternsProblem(texts.unprotect),
  }
}

/** By the names of the API; an empty text is null: what is usual counts. */
function changedTexts(before: Texts, after: Texts): Schemas['ProjectChange'] {
  const changed = FIELDS.filter(({ name }) => before[name] !== after[name])
  const lists = (['protect', 'unprotect'] as const).filter((name) => before[name] !== after[name])
  return {
    ...Object.fromEntries(changed.map(({ name }) => [name, after[name] === '' ? null : after[name]])),
    ...Object.fromEntries(lists.map((name) => [name, linesOf(after[name])])),
  }
}
