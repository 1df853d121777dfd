import type { Schemas } from '../api/client.ts'
import { anchorOf, Counts } from './diff-file.tsx'

type ChangedFile = Schemas['ChangedFile']
type Folder = { name: string; folders: Map<string, Folder>; files: ChangedFile[] }

const SIGNS: Readonly<Record<string, string>> = { added: 'A', modified: 'M', deleted: 'D' }

/** The changed files by their folders; a click goes to one. */
export function FilesTree({ files }: { files: readonly ChangedFile[] }) {
  return (
    <nav aria-label="Changed files" className="files-tree">
      <FolderList folder={treeOf(files)} />
    </nav>
  )
}

function FolderList({ folder }: { folder: Folder }) {
  return (
    <ul>
      {[...folder.folders.values()].map((one) => {
        const shown = joined(one)
        return (
          <li key={shown.name}>
            <details open>
              <summary>
                <code>{shown.name}/</code>
              </summary>
              <FolderList folder={shown} />
            </details>
          </li>
        )
      })}
      {folder.files.map((file) => (
        <FileEntry key={file.path} file={file} />
      ))}
    </ul>
  )
}

function FileEntry({ file }: { file: ChangedFile }) {
  const { path, change, in_scope: isInScope, protected: why } = file
  const sign = SIGNS[change]
  return (
    <li className="file-entry">
      <span className={`file-sign ${change}`} title={change}>
        <span aria-hidden="true">{sign === undefined ? '?' : sign}</span>
        <span className="hidden">{change}</span>
      </span>
      <a href={`#${anchorOf(path)}`}>
        <code>{path.slice(path.lastIndexOf('/') + 1)}</code>
      </a>
      <Counts file={file} />
      {isInScope ? (
        <span className="in-scope" title="in scope">
          <span aria-hidden="true">✓</span>
          <span className="hidden">in scope</span>
        </span>
      ) : (
        <span className="badge failed">out of scope</span>
      )}
      {why === null ? null : (
        <span className="badge blocked" title={why}>
          protected
        </span>
      )}
    </li>
  )
}

function treeOf(files: readonly ChangedFile[]): Folder {
  const root: Folder = { name: '', folders: new Map(), files: [] }
  for (const file of files) {
    let folder = root
    for (const name of file.path.split('/').slice(0, -1)) {
      const known = folder.folders.get(name)
      const next = known === undefined ? { name, folders: new Map(), files: [] } : known
      folder.folders.set(name, next)
      folder = next
    }
    folder.files.push(file)
  }
  return root
}

/** A folder with nothing but another one in it is shown with that, in one line. */
function joined(folder: Folder): Folder {
  const [only] = folder.folders.values()
  if (only === undefined || folder.folders.size > 1 || folder.files.length > 0) return folder
  return joined({ ...only, name: `${folder.name}/${only.name}` })
}
