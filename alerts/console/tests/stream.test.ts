import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { type Connection, LiveStream } from '@/live/stream'

import { changed, incident } from './fixtures'

class FakeSource extends EventTarget {
  readyState = 1
  closed = false

  constructor(readonly url: string) {
    super()
  }

  close(): void {
    this.closed = true
    this.readyState = 2
  }

  emit(kind: string, data: unknown = {}, lastEventId = ''): void {
    this.dispatchEvent(Object.assign(new Event(kind), { data: JSON.stringify(data), lastEventId }))
  }

  fail(forGood: boolean): void {
    this.readyState = forGood ? 2 : 0
    this.dispatchEvent(new Event('error'))
  }
}

let sources: FakeSource[]
let states: Connection[]
const handlers = {
  change: vi.fn(),
  cameras: vi.fn(),
  heartbeat: vi.fn(),
  reset: vi.fn(),
  refused: vi.fn(),
  connection: (state: Connection) => void states.push(state),
}

function start(after: number): LiveStream {
  const stream = new LiveStream(
    handlers,
    (url) => {
      sources.push(new FakeSource(url))
      return sources.at(-1)!
    },
    () => Date.now(),
  )
  stream.start(after)
  return stream
}

beforeEach(() => {
  vi.useFakeTimers()
  sources = []
  states = []
  vi.clearAllMocks()
})
afterEach(() => vi.useRealTimers())

describe('the live stream', () => {
  it('is live only once everything missed has come', () => {
    start(4)
    const source = sources[0]!
    expect(source.url).toBe('/api/events?after=4')
    source.emit('open')
    source.emit('change', changed(5, incident('a')), '5')
    expect(states).toEqual(['connecting', 'catching_up'])
    source.emit('heartbeat', { now: '2026-07-01T08:00:00Z', position: 5 })
    expect(states.at(-1)).toBe('live')
    expect(handlers.change).toHaveBeenCalledOnce()
  })

  it('leaves a broken connection to the browser as long as that tries by itself', () => {
    start(4)
    sources[0]!.fail(false)
    vi.advanceTimersByTime(30_000)
    expect(states.at(-1)).toBe('lost')
    expect(sources).toHaveLength(1)
    expect(handlers.refused).not.toHaveBeenCalled()
  })

  it('goes on after the last change where the browser has given up', () => {
    start(4)
    sources[0]!.emit('change', changed(9, incident('a')), '9')
    sources[0]!.fail(true)
    expect(handlers.refused).toHaveBeenCalledOnce()
    vi.advanceTimersByTime(500)
    expect(sources[1]!.url).toBe('/api/events?after=9')
    sources[1]!.fail(true)
    vi.advanceTimersByTime(999)
    expect(sources).toHaveLength(2)
    vi.advanceTimersByTime(1)
    expect(sources).toHaveLength(3)
  })

  it('notices a connection that has died without a word', () => {
    start(0)
    sources[0]!.emit('heartbeat', { now: '', position: 0 })
    vi.advanceTimersByTime(35_000)
    expect(states.at(-1)).toBe('live')
    vi.advanceTimersByTime(10_000)
    expect(states.at(-1)).toBe('lost')
    expect(sources[0]!.closed).toBe(true)
    expect(sources).toHaveLength(2)
  })

  it('hears nothing of a source that it has left', () => {
    const stream = start(0)
    stream.start(3)
    sources[0]!.emit('change', changed(1, incident('a')), '1')
    expect(handlers.change).not.toHaveBeenCalled()
    stream.stop()
    vi.advanceTimersByTime(120_000)
    expect(sources).toHaveLength(2)
    expect(sources.every((source) => source.closed)).toBe(true)
  })

  it('passes a reset on and continues after it', () => {
    start(500)
    sources[0]!.emit('reset', {}, '3')
    expect(handlers.reset).toHaveBeenCalledOnce()
    sources[0]!.fail(true)
    vi.advanceTimersByTime(500)
    expect(sources[1]!.url).toBe('/api/events?after=3')
  })
})
