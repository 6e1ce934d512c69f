/** Sends sound to the server as it comes: one request after the other, each with all that has come meanwhile. */
export class VoiceUpload {
  private waiting: Int16Array[] = []
  private at = 0
  private sending: Promise<void> | undefined
  private fault: unknown

  /** `post` sends 16-bit samples that begin at byte `at` of the voice; it is tried again where it throws. */
  constructor(
    private readonly post: (at: number, data: Uint8Array) => Promise<unknown>,
    private readonly failed: (error: unknown) => void = () => undefined,
    private readonly pause: (ms: number) => Promise<void> = (ms) => new Promise((done) => setTimeout(done, ms)),
  ) {}

  push(samples: Int16Array): void {
    if (this.fault !== undefined || !samples.length) return
    this.waiting.push(samples)
    this.sending ??= this.send().finally(() => (this.sending = undefined))
  }

  /** Returns once everything is sent; throws what the last try threw. */
  async finish(): Promise<void> {
    await this.sending
    if (this.fault !== undefined) throw this.fault
  }

  private async send(): Promise<void> {
    try {
      while (this.waiting.length) {
        const data = this.next()
        await this.tried(data)
        this.at += data.length
      }
    } catch (error) {
      this.fault = error
      this.failed(error)
    }
  }

  /** All that waits, as far as one request may hold. */
  private next(): Uint8Array {
    const parts: Int16Array[] = []
    let bytes = 0
    while (this.waiting[0] && bytes + this.waiting[0].byteLength <= MOST_BYTES) {
      const part = this.waiting.shift() as Int16Array
      parts.push(part)
      bytes += part.byteLength
    }
    const data = new Uint8Array(bytes)
    let at = 0
    for (const part of parts) {
      data.set(new Uint8Array(part.buffer, part.byteOffset, part.byteLength), at)
      at += part.byteLength
    }
    return data
  }

  private async tried(data: Uint8Array): Promise<void> {
    for (const wait of WAITS_MS) {
      try {
        await this.post(this.at, data)
        return
      } catch (error) {
        if ((error as { status?: number }).status) throw error // the server says no: asking again does not help
        await this.pause(wait)
      }
    }
    await this.post(this.at, data)
  }
}

const MOST_BYTES = 60_000
const WAITS_MS = [100, 300, 600]
