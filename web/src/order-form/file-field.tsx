import { Autocomplete } from '@base-ui/react/autocomplete'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { type ClipboardEvent, type KeyboardEvent, useState } from 'react'
import { ORDER_FIELDS } from '../../generated/order-fields.ts'
import { answer, api } from '../api/client.ts'
import { type Problem, placeOf, sentenceOf, useSettled } from './checking.ts'

const TYPED_MS = 120
const MOST_OFFERED = 50

/** Nothing is offered while no project is chosen. */
function useOffered(project: string | null, typed: string) {
  const prefix = useSettled(typed, TYPED_MS)
  return useQuery({
    queryKey: ['files', project, prefix],
    queryFn: ({ signal }) => {
      const query = { prefix, anywhere: 'true' as const, limit: MOST_OFFERED }
      const params = { path: { name: String(project) }, query }
      return answer(api.GET('/api/projects/{name}/files', { params, signal }))
    },
    enabled: project !== null,
    placeholderData: keepPreviousData,
    retry: false,
  })
}

type FileFieldProps = {
  files: readonly string[]
  change: (files: readonly string[]) => void
  /** Whose files are offered; null: it is not chosen yet. */
  project: string | null
  problems: readonly Problem[]
  warnings: readonly Problem[]
}

/** The files that may change: those that were added, and a line to add more, completed by those of the repository. */
export function FileField({ files, change, project, problems, warnings }: FileFieldProps) {
  const add = (paths: readonly string[]) => change([...new Set([...files, ...paths])])
  const ofList = problems.filter((problem) => placeOf(problem) === null)
  return (
    <div className="form-field" role="group" aria-labelledby="files-label" aria-describedby="files-help">
      <span className="form-label" id="files-label">
        Files that may change
      </span>
      <p className="quiet form-help" id="files-help">
        {ORDER_FIELDS.files_in_scope.help}.
      </p>
      {files.length === 0 ? null : (
        <ul className="form-files">
          {files.map((file, index) => (
            <li key={file}>
              <span className="form-file">
                <code>{file}</code>
                <button
                  type="button"
                  className="plain"
                  aria-label={`Take ${file} out`}
                  onClick={() => change(files.filter((other) => other !== file))}
                >
                  ×
                </button>
              </span>
              {[...problems, ...warnings]
                .filter((problem) => placeOf(problem) === index)
                .map((problem) => (
                  <span key={problem.reason} className={problems.includes(problem) ? 'failure' : 'warn'}>
                    {sentenceOf(problem)}
                  </span>
                ))}
            </li>
          ))}
        </ul>
      )}
      <AddFile add={add} project={project} isWrong={ofList.length > 0} />
      {ofList.map((problem) => (
        <p key={problem.reason} className="failure" id="files-problem">
          {sentenceOf(problem)}
        </p>
      ))}
    </div>
  )
}

type AddFileProps = { add: (paths: readonly string[]) => void; project: string | null; isWrong: boolean }

/** What is typed into the line, and what is done with it. */
function useTyping(add: (paths: readonly string[]) => void) {
  const [typed, setTyped] = useState('')
  const [isOpen, setOpen] = useState(false)
  const finish = (paths: readonly string[]) => {
    add(paths.map((path) => path.trim()).filter((path) => path !== ''))
    setTyped('')
    setOpen(false)
  }
  return {
    typed,
    isOpen,
    finish,
    type: (text: string) => {
      setTyped(text)
      setOpen(true)
    },
    // One goes on in a folder; Enter then adds it as it is.
    choose: (path: string) => (path.endsWith('/') ? setTyped(path) : finish([path])),
    onClick: () => setOpen(true),
    onBlur: () => setOpen(false),
    onKeyDown: (event: KeyboardEvent<HTMLInputElement>) => {
      if (event.key === 'ArrowDown') setOpen(true)
      if (event.key === 'Escape') setOpen(false)
      if (event.key !== 'Enter' || event.ctrlKey || event.metaKey) return
      if (event.currentTarget.getAttribute('aria-activedescendant') !== null) return
      event.preventDefault()
      finish([typed])
    },
    onPaste: (event: ClipboardEvent<HTMLInputElement>) => {
      const lines = event.clipboardData.getData('text').split(/\r?\n/)
      if (lines.length < 2) return
      event.preventDefault()
      finish(lines)
    },
  }
}

/** The list stands in the page rather than over it, so that nothing beside it is hidden from a screen reader. */
function AddFile({ add, project, isWrong }: AddFileProps) {
  const { typed, isOpen, finish, type, choose, ...handlers } = useTyping(add)
  const { data, error } = useOffered(project, typed)
  const offered = data === undefined || !isOpen ? [] : data.files
  return (
    <div className="form-add-file">
      <Autocomplete.Root inline open={isOpen} items={offered} value={typed} mode="none" onValueChange={type}>
        <Autocomplete.Input
          id="form-file"
          className="form-input"
          aria-label="Add a file or a folder"
          aria-expanded={offered.length > 0}
          aria-invalid={isWrong}
          aria-describedby={isWrong ? 'files-help files-problem' : 'files-help'}
          placeholder="src/file.ts, or src/ for all in it"
          spellCheck={false}
          autoComplete="off"
          {...handlers}
        />
        <Offers isShown={offered.length > 0} choose={choose} leftOut={data === undefined ? 0 : data.left_out} />
      </Autocomplete.Root>
      <button type="button" disabled={typed.trim() === ''} onClick={() => finish([typed])}>
        Add
      </button>
      {error === null ? null : <p className="quiet form-no-offers">No files can be offered: {error.message}</p>}
    </div>
  )
}

type OffersProps = { isShown: boolean; choose: (path: string) => void; leftOut: number }

/** It is there while it is not shown, as what the line controls; the focus stays in the line. */
function Offers({ isShown, choose, leftOut }: OffersProps) {
  return (
    <div className="form-offers" hidden={!isShown} onMouseDown={(event) => event.preventDefault()} role="presentation">
      <Autocomplete.List aria-label="Files of the repository">
        {(path: string) => (
          <Autocomplete.Item key={path} value={path} className="form-offer" onClick={() => choose(path)}>
            {path}
          </Autocomplete.Item>
        )}
      </Autocomplete.List>
      {leftOut === 0 ? null : <p className="quiet">{leftOut} more; type on to find them.</p>}
    </div>
  )
}
