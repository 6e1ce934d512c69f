/** Takes what the microphone hears out of the audio thread: 16-bit samples, one channel, about 40 ms at a time. */
declare class AudioWorkletProcessor {
  readonly port: MessagePort
}
declare function registerProcessor(name: string, processor: new () => AudioWorkletProcessor): void

const SAMPLES = 2048

class Capture extends AudioWorkletProcessor {
  private block = new Int16Array(SAMPLES)
  private filled = 0

  constructor() {
    super()
    // What is left when it ends is part of what was said.
    this.port.onmessage = () => {
      this.give(this.block.slice(0, this.filled))
      this.port.postMessage(null)
    }
  }

  process(inputs: Float32Array[][]): boolean {
    for (const value of inputs[0]?.[0] ?? []) {
      this.block[this.filled] = Math.max(-1, Math.min(1, value)) * 32767
      this.filled += 1
      if (this.filled === SAMPLES) {
        this.give(this.block)
        this.block = new Int16Array(SAMPLES)
        this.filled = 0
      }
    }
    return true
  }

  private give(block: Int16Array): void {
    this.port.postMessage(block, [block.buffer])
  }
}

registerProcessor('capture', Capture)
