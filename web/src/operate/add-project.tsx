import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { answer, api } from '../api/client.ts'
import { AskedButton } from '../ui/asked-button.tsx'
import { Choice, Field } from './field.tsx'
import { nameProblem, repositoryProblem } from './project-fields.ts'

const FORGES = [
  ['', 'the usual one for this repository'],
  ['local', 'local'],
  ['github', 'github'],
] as const
type Forge = (typeof FORGES)[number][0]

type Asked = { name: string; repository: string; branch: string; forge: Forge }

/** @returns what is said of it, when its page is shown */
async function addProject({ name, repository, branch, forge }: Asked, navigate: ReturnType<typeof useNavigate>) {
  const body = {
    name,
    repository,
    ...(branch === '' ? {} : { default_branch: branch }),
    ...(forge === '' ? {} : { forge }),
  }
  const { project, added, restored } = await answer(api.POST('/api/projects', { body }))
  await navigate({ to: '/operate/$part', params: { part: 'projects' }, search: { name: project.name } })
  if (!added) return `${project.name} was there already`
  return restored ? `${project.name} is back, with its settings and orders` : `${project.name} was added`
}

/** Adds a repository; that it answers is tried before it is stored. */
export function AddProject() {
  const [name, setName] = useState('')
  const [repository, setRepository] = useState('')
  const [branch, setBranch] = useState('')
  const [forge, setForge] = useState<Forge>('')
  const navigate = useNavigate()
  const add = () => addProject({ name, repository, branch, forge }, navigate)
  const problems = {
    name: name === '' ? null : nameProblem(name),
    repository: repository === '' ? null : repositoryProblem(repository),
  }
  const isReady = name !== '' && repository !== '' && problems.name === null && problems.repository === null
  const clear = () => {
    setName('')
    setRepository('')
    setBranch('')
    setForge('')
  }
  return (
    <AskedButton
      label="Add a project"
      title="Add a project"
      doIt="Try it and add it"
      act={add}
      isReady={isReady}
      className="primary"
      onOpen={clear}
    >
      <Field label="Name" value={name} change={setName} problem={problems.name} hint="How orders call it" />
      <Field
        label="Repository"
        value={repository}
        change={setRepository}
        problem={problems.repository}
        hint="A git URL, or an absolute path on the machine of the service; of a checkout its origin is taken"
      />
      <Field label="Base branch" value={branch} change={setBranch} placeholder="the one that HEAD names" />
      <Choice label="Forge" value={forge} change={setForge} options={FORGES} />
    </AskedButton>
  )
}
