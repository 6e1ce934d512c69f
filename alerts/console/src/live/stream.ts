import type { CamerasChanged, Heartbeat, IncidentChanged } from '@/api/client'

export type Connection = 'connecting' | 'live' | 'catching_up' | 'lost'

/** The part of EventSource that is used, so that tests can stand in for it. */
export interface Source extends EventTarget {
  readonly readyState: number
  close(): void
}

export interface Handlers {
  change(event: IncidentChanged): void
  cameras(event: CamerasChanged): void
  heartbeat(event: Heartbeat): void
  /** What is known is too old to be completed: read everything again. */
  reset(): void
  connection(state: Connection): void
  /** The server refused the stream: it may be that the session has ended. */
  refused(): void
}

/** The server sends a heartbeat every 15 s: two missing ones and some slack mean that nothing comes any more. */
const SILENCE_MS = 40_000
const CHECK_MS = 5_000
const RETRY_MS = [500, 1000, 2000, 5000]
const CLOSED = 2

/**
 * Follows the server's stream for as long as the page lives.
 *
 * The browser reconnects by itself and says where it was (Last-Event-ID). This class does the rest: it opens a
 * new stream where the browser gives up, and where a dead connection stays silent without an error.
 */
export class LiveStream {
  private source: Source | undefined
  private after = 0
  private heardAt = 0
  private attempts = 0
  private retry: ReturnType<typeof setTimeout> | undefined
  private watchdog: ReturnType<typeof setInterval> | undefined

  constructor(
    private readonly handlers: Handlers,
    private readonly open: (url: string) => Source = (url) => new EventSource(url),
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Starts after a change's number, wherever an earlier stream was. */
  start(after: number): void {
    this.stop()
    this.after = after
    this.handlers.connection('connecting')
    this.watchdog = setInterval(() => this.check(), CHECK_MS)
    this.connect()
  }

  stop(): void {
    clearTimeout(this.retry)
    clearInterval(this.watchdog)
    this.source?.close()
    this.source = undefined
  }

  private connect(): void {
    clearTimeout(this.retry)
    this.source?.close()
    this.heardAt = this.now()
    const source = this.open(`/api/events?after=${this.after}`)
    this.source = source
    const on = <T>(kind: string, handle: (data: T) => void) =>
      source.addEventListener(kind, (event) => {
        if (source !== this.source) return
        this.heardAt = this.now()
        const { data, lastEventId } = event as MessageEvent<string>
        if (lastEventId) this.after = Number(lastEventId)
        handle(JSON.parse(data) as T)
      })
    on<IncidentChanged>('change', (data) => this.handlers.change(data))
    on<CamerasChanged>('cameras', (data) => this.handlers.cameras(data))
    on<unknown>('reset', () => this.handlers.reset())
    on<Heartbeat>('heartbeat', (data) => {
      this.attempts = 0
      this.handlers.heartbeat(data)
      this.handlers.connection('live')
    })
    source.addEventListener('open', () => {
      if (source !== this.source) return
      this.heardAt = this.now()
      this.handlers.connection('catching_up')
    })
    source.addEventListener('error', () => {
      if (source !== this.source) return
      this.handlers.connection('lost')
      if (source.readyState === CLOSED) {
        this.handlers.refused()
        this.later()
      }
    })
  }

  private later(): void {
    const wait = RETRY_MS[Math.min(this.attempts, RETRY_MS.length - 1)]
    this.attempts += 1
    clearTimeout(this.retry)
    this.retry = setTimeout(() => this.connect(), wait)
  }

  private check(): void {
    if (this.now() - this.heardAt < SILENCE_MS) return
    this.handlers.connection('lost')
    this.connect()
  }
}
