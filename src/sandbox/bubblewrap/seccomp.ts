/**
 * A filter of system calls, in the form that the kernel takes: what namespaces do not hold apart, and what a build or a test
 * has no use for.
 *
 * - user namespaces, within which a program may do again what it may not here: a large part of the kernel is reached only so;
 * - sockets of other families than Unix, IPv4, IPv6 and netlink: a vsock reaches the host of a virtual machine from any
 *   network namespace;
 * - io_uring, which opens such sockets past a filter; keys of the kernel, which belong to a user and to no namespace; eBPF,
 *   performance counters, page faults handled in user space;
 * - characters pushed into a terminal.
 *
 * `ptrace` is allowed: it reaches the processes of the sandbox alone, and leak checkers and debuggers are made of it.
 *
 * @see https://docs.kernel.org/userspace-api/seccomp_filter.html
 */
export function seccompFilter(arch: string): Uint8Array | null {
  const machine = MACHINES[arch]
  return machine === undefined ? null : encoded(program(machine))
}

type Machine = {
  /** `AUDIT_ARCH_*` of linux/audit.h. */
  audit: number
  /** Numbers from here on belong to another calling convention (x32); null: there is none. */
  foreignFrom: number | null
  calls: Readonly<Record<Refused | 'clone' | 'unshare' | 'socket' | 'ioctl', number>>
}

type Refused =
  | 'add_key'
  | 'request_key'
  | 'keyctl'
  | 'setns'
  | 'perf_event_open'
  | 'bpf'
  | 'userfaultfd'
  | 'io_uring_setup'
  | 'io_uring_enter'
  | 'io_uring_register'
  | 'clone3'

/** The same on every machine: calls that were added since 2019. */
const RECENT = { io_uring_setup: 425, io_uring_enter: 426, io_uring_register: 427, clone3: 435 }

const MACHINES: Readonly<Record<string, Machine | undefined>> = {
  x64: {
    audit: 0xc000003e,
    foreignFrom: 0x40000000,
    calls: {
      ioctl: 16,
      socket: 41,
      clone: 56,
      add_key: 248,
      request_key: 249,
      keyctl: 250,
      unshare: 272,
      perf_event_open: 298,
      setns: 308,
      bpf: 321,
      userfaultfd: 323,
      ...RECENT,
    },
  },
  arm64: {
    audit: 0xc00000b7,
    foreignFrom: null,
    calls: {
      ioctl: 29,
      unshare: 97,
      socket: 198,
      add_key: 217,
      request_key: 218,
      keyctl: 219,
      clone: 220,
      perf_event_open: 241,
      setns: 268,
      bpf: 280,
      userfaultfd: 282,
      ...RECENT,
    },
  },
}

const ALLOW = 0x7fff0000
const ERRNO = 0x00050000
const EPERM = 1
/** As from a kernel that does not know the call: the C library then does without it. */
const ENOSYS = 38
const EAFNOSUPPORT = 97
/** Offsets in `struct seccomp_data`; of an argument the lower half, on these machines. */
const NUMBER = 0
const ARCH = 4
const FIRST_ARGUMENT = 16
const SECOND_ARGUMENT = 24
const CLONE_NEWUSER = 0x10000000
const AF_UNIX = 1
const AF_INET = 2
const AF_INET6 = 10
const AF_NETLINK = 16
const TIOCSTI = 0x5412
const TIOCLINUX = 0x541c

/** One instruction: code, jumps when true and when false, operand. */
type Instruction = readonly [code: number, whenTrue: number, whenFalse: number, operand: number]

const load = (offset: number): Instruction => [0x20, 0, 0, offset]
const give = (value: number): Instruction => [0x06, 0, 0, value]
const refuse = (errno: number): Instruction => give(ERRNO | errno)
/** Passes over so many instructions unless the value is (or has a bit of) the operand. */
const unless = (operand: number, skipped: number): Instruction => [0x15, 0, skipped, operand]
const unlessBit = (operand: number, skipped: number): Instruction => [0x45, 0, skipped, operand]
const unlessFrom = (operand: number, skipped: number): Instruction => [0x35, 0, skipped, operand]

function program({ audit, foreignFrom, calls }: Machine): Instruction[] {
  const { clone, unshare, socket, ioctl, clone3, ...refused } = calls
  const newUser = [load(FIRST_ARGUMENT), unlessBit(CLONE_NEWUSER, 1), refuse(EPERM), give(ALLOW)]
  const families = [AF_UNIX, AF_INET, AF_INET6, AF_NETLINK].flatMap((family) => [unless(family, 1), give(ALLOW)])
  const input = [TIOCSTI, TIOCLINUX].flatMap((request) => [unless(request, 1), refuse(EPERM)])
  return [
    load(ARCH),
    // Calls of another machine have other numbers.
    [0x15, 1, 0, audit],
    refuse(ENOSYS),
    load(NUMBER),
    ...(foreignFrom === null ? [] : [unlessFrom(foreignFrom, 1), refuse(ENOSYS)]),
    ...[clone, unshare].flatMap((call) => [unless(call, newUser.length), ...newUser]),
    unless(socket, families.length + 2),
    load(FIRST_ARGUMENT),
    ...families,
    refuse(EAFNOSUPPORT),
    unless(ioctl, input.length + 2),
    load(SECOND_ARGUMENT),
    ...input,
    give(ALLOW),
    // Its flags lie in memory, where a filter cannot look.
    unless(clone3, 1),
    refuse(ENOSYS),
    ...Object.values(refused).flatMap((call) => [unless(call, 1), refuse(EPERM)]),
    give(ALLOW),
  ]
}

/** As an array of `struct sock_filter`, little-endian as the machines are. */
function encoded(instructions: readonly Instruction[]): Uint8Array {
  const bytes = Buffer.alloc(instructions.length * 8)
  for (const [index, [code, whenTrue, whenFalse, operand]] of instructions.entries()) {
    bytes.writeUInt16LE(code, index * 8)
    bytes.writeUInt8(whenTrue, index * 8 + 2)
    bytes.writeUInt8(whenFalse, index * 8 + 3)
    bytes.writeUInt32LE(operand >>> 0, index * 8 + 4)
  }
  return bytes
}
