import type { Severity } from '@/api/client'

interface Tone {
  hz: number
  at: number
  s: number
}

// More and higher tones, the more severe. They are short and soft at both ends: a shift is long.
const PATTERNS: Record<Severity, Tone[]> = {
  critical: [0, 0.18, 0.36, 0.8, 0.98, 1.16].map((at) => ({ hz: at % 0.8 < 0.3 ? 1175 : 1568, at, s: 0.14 })),
  high: [0, 0.22, 0.44].map((at) => ({ hz: 1047, at, s: 0.17 })),
  medium: [0, 0.25].map((at) => ({ hz: 784, at, s: 0.2 })),
  low: [{ hz: 587, at: 0, s: 0.25 }],
}
const ORDER: Severity[] = ['low', 'medium', 'high', 'critical']
const GAIN = 0.25
const QUIET_MS = 1500

/** Plays a short pattern by severity; at the same time, the most severe one only. */
export class Alarm {
  private context: AudioContext | undefined
  private playing: { severity: Severity; until: number } | undefined

  /** Whether the browser lets sound out; it does so after a click or a key. */
  get allowed(): boolean {
    return this.context?.state === 'running'
  }

  /** To be called from a click or a key. */
  async unlock(): Promise<void> {
    this.context ??= new AudioContext()
    await this.context.resume()
  }

  /** Plays the pattern of a severity, `always` or unless a more severe one plays; false if the browser does not let it. */
  play(severity: Severity, always = false): boolean {
    const context = this.context
    if (!context || context.state !== 'running') return false
    const now = Date.now()
    const busy = this.playing && now < this.playing.until
    if (busy && !always && ORDER.indexOf(this.playing!.severity) >= ORDER.indexOf(severity)) return true
    this.playing = { severity, until: now + QUIET_MS }
    for (const { hz, at, s } of PATTERNS[severity]) {
      const start = context.currentTime + at
      const oscillator = new OscillatorNode(context, { frequency: hz, type: 'triangle' })
      const gain = new GainNode(context, { gain: 0 })
      gain.gain.setValueAtTime(0, start)
      gain.gain.linearRampToValueAtTime(GAIN, start + 0.015)
      gain.gain.setValueAtTime(GAIN, start + s - 0.04)
      gain.gain.linearRampToValueAtTime(0, start + s)
      oscillator.connect(gain).connect(context.destination)
      oscillator.start(start)
      oscillator.stop(start + s)
    }
    return true
  }
}
