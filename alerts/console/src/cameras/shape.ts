/** (x, y), 0-1 of the picture's width and height from the top left. */
export type Point = readonly [number, number]
export type Shape = readonly Point[]
/** Why a polygon cannot be one; the name of a text. */
export type Fault = 'too_few' | 'no_area' | 'crossing'

export const LEAST = 3
export const MOST = 64

/** To a ten-thousandth: less than a pixel, and readable in the file. */
const tidy = (value: number) => Math.min(1, Math.max(0, Math.round(value * 10_000) / 10_000))
export const at = (x: number, y: number): Point => [tidy(x), tidy(y)]

export const moved = (shape: Shape, index: number, to: Point): Shape => shape.with(index, at(...to))
export const inserted = (shape: Shape, edge: number, point: Point): Shape => shape.toSpliced(edge + 1, 0, at(...point))
export const removed = (shape: Shape, index: number): Shape => shape.toSpliced(index, 1)

/** Moves a corner by pixels of a picture of that size. */
export function nudged(shape: Shape, index: number, right: number, down: number, width: number, height: number): Shape {
  const [x, y] = shape[index]!
  return moved(shape, index, [x + right / width, y + down / height])
}

/** The middle of the edge that begins at a corner. */
export function middle(shape: Shape, edge: number): Point {
  const [a, b] = [shape[edge]!, shape[(edge + 1) % shape.length]!]
  return at((a[0] + b[0]) / 2, (a[1] + b[1]) / 2)
}

/** On which side of the line through a and b c lies: above 0, below 0, or on it. */
const side = (a: Point, b: Point, c: Point) => Math.sign((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]))
const within = (a: Point, b: Point, c: Point) =>
  Math.min(a[0], b[0]) <= c[0] && c[0] <= Math.max(a[0], b[0]) && Math.min(a[1], b[1]) <= c[1] && c[1] <= Math.max(a[1], b[1])

/** Whether the segments ab and cd have a point in common. */
function meet(a: Point, b: Point, c: Point, d: Point): boolean {
  const sides = [side(a, b, c), side(a, b, d), side(c, d, a), side(c, d, b)] as const
  if (sides[0] * sides[1] < 0 && sides[2] * sides[3] < 0) return true
  return (
    (!sides[0] && within(a, b, c)) || (!sides[1] && within(a, b, d)) || (!sides[2] && within(c, d, a)) || (!sides[3] && within(c, d, b))
  )
}

/** What is wrong with a polygon, as the server would say it; undefined where nothing is. */
export function wrong(shape: Shape): Fault | undefined {
  if (shape.length < LEAST) return 'too_few'
  const n = shape.length
  const corner = (i: number) => shape[i % n]!
  const area = shape.reduce((sum, [x, y], i) => sum + x * corner(i + 1)[1] - corner(i + 1)[0] * y, 0)
  for (let i = 0; i < n; i++) {
    const [a, b] = [corner(i), corner(i + 1)]
    // Two edges in a row may share their corner, and nothing else.
    if (n > 3 && !side(a, b, corner(i + 2)) && within(a, b, corner(i + 2))) return 'crossing'
    for (let j = i + 2; j < n - (i === 0 ? 1 : 0); j++) if (meet(a, b, corner(j), corner(j + 1))) return 'crossing'
  }
  return Math.abs(area) < 1e-9 ? 'no_area' : undefined
}

/** What was, is, and was undone: every step of an edit. */
export class Steps<T> {
  private constructor(
    private readonly past: readonly T[],
    readonly now: T,
    private readonly future: readonly T[],
  ) {}

  static begin = <T>(value: T) => new Steps<T>([], value, [])

  get canUndo(): boolean {
    return this.past.length > 0
  }

  get canRedo(): boolean {
    return this.future.length > 0
  }

  /** Goes on; `joined` makes one step of it and the one before, as while a key is held down. */
  to(value: T, joined = false): Steps<T> {
    return new Steps(joined && this.past.length ? this.past : [...this.past, this.now], value, [])
  }

  undo(): Steps<T> {
    return this.canUndo ? new Steps(this.past.slice(0, -1), this.past.at(-1)!, [this.now, ...this.future]) : this
  }

  redo(): Steps<T> {
    return this.canRedo ? new Steps([...this.past, this.now], this.future[0]!, this.future.slice(1)) : this
  }
}
