import { useQuery } from '@tanstack/react-query'
import type { Numbers } from '../api/client.ts'
import { projectsQuery } from '../api/queries.ts'
import { type NumbersSearch, RANGES } from '../places.ts'
import { LOCAL_ZONE } from './range.ts'

const WORDS: Readonly<Record<(typeof RANGES)[number], string>> = {
  '7d': '7 days',
  '90d': '90 days',
  '365d': 'a year',
  month: 'this month',
}

type PickerProps = { search: NumbersSearch; change: (search: NumbersSearch) => void; shown: Numbers | undefined }

/** Which days, whose, and of which project; all of it is in the address. */
export function RangePicker({ search, change, shown }: PickerProps) {
  const { range, from, to, ...others } = search
  const isUsual = range === undefined && from === undefined
  return (
    <search className="filters">
      <div className="chips" role="group" aria-label="Range">
        {RANGES.slice(0, 1).map((one) => (
          <Preset
            key={one}
            words={WORDS[one]}
            pressed={range === one}
            choose={() => change({ ...others, range: one })}
          />
        ))}
        <Preset words="30 days" pressed={isUsual} choose={() => change(others)} />
        {RANGES.slice(1).map((one) => (
          <Preset
            key={one}
            words={WORDS[one]}
            pressed={range === one}
            choose={() => change({ ...others, range: one })}
          />
        ))}
      </div>
      <DayField
        label="From"
        value={from === undefined ? shown?.from : from}
        choose={(day) => change({ ...others, from: day, to: to === undefined ? String(shown?.to) : to })}
      />
      <DayField
        label="To"
        value={to === undefined ? shown?.to : to}
        choose={(day) => change({ ...others, from: from === undefined ? String(shown?.from) : from, to: day })}
      />
      <ProjectPicker search={search} change={change} />
      <ZonePicker search={search} change={change} />
    </search>
  )
}

function Preset({ words, pressed, choose }: { words: string; pressed: boolean; choose: () => void }) {
  return (
    <button type="button" aria-pressed={pressed} onClick={choose}>
      {words}
    </button>
  )
}

type DayFieldProps = { label: string; value: string | undefined; choose: (day: string) => void }

function DayField({ label, value, choose }: DayFieldProps) {
  return (
    <label className="day-field">
      {label}{' '}
      <input
        type="date"
        value={value === undefined ? '' : value}
        onChange={({ target }) => {
          if (target.value !== '') choose(target.value)
        }}
      />
    </label>
  )
}

function ProjectPicker({ search, change }: Omit<PickerProps, 'shown'>) {
  const { data: projects } = useQuery(projectsQuery)
  const { project, ...others } = search
  if (projects === undefined || (projects.length < 2 && project === undefined)) return null
  return (
    <select
      aria-label="Project"
      value={project === undefined ? '' : project}
      onChange={({ target: { value } }) => change(value === '' ? others : { ...others, project: value })}
    >
      <option value="">all projects</option>
      {projects.map(({ name }) => (
        <option key={name}>{name}</option>
      ))}
      {project === undefined || projects.some(({ name }) => name === project) ? null : <option>{project}</option>}
    </select>
  )
}

/** Caps count days in UTC; a person may want those of this place. */
function ZonePicker({ search, change }: Omit<PickerProps, 'shown'>) {
  const { tz = 'UTC', ...others } = search
  const zones = [...new Set(['UTC', LOCAL_ZONE, tz])]
  if (zones.length === 1) return null
  return (
    <select
      aria-label="Time zone of the days"
      value={tz}
      onChange={({ target: { value } }) => change(value === 'UTC' ? others : { ...others, tz: value })}
    >
      {zones.map((zone) => (
        <option key={zone} value={zone}>
          days in {zone}
        </option>
      ))}
    </select>
  )
}
