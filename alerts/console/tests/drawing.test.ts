import { describe, expect, it } from 'vitest'

import { type Fault, inserted, middle, moved, nudged, removed, type Shape, Steps, wrong } from '@/cameras/shape'

const SQUARE: Shape = [[0, 0], [1, 0], [1, 1], [0, 1]]

describe('a shape', () => {
  it.each<[string, Shape, Fault | undefined]>([
    ['a square', SQUARE, undefined],
    ['a triangle', [[0.1, 0.1], [0.9, 0.1], [0.5, 0.8]], undefined],
    ['a concave one', [[0, 0], [1, 0], [0.5, 0.5], [1, 1], [0, 1]], undefined],
    ['two corners', [[0, 0], [1, 1]], 'too_few'],
    ['a bow tie', [[0, 0], [1, 1], [1, 0], [0, 1]], 'crossing'],
    ['an edge that touches a corner', [[0, 0], [1, 0], [1, 1], [0.5, 0], [0, 1]], 'crossing'],
    ['an edge that goes back on itself', [[0, 0], [1, 0], [0.5, 0], [0, 1]], 'crossing'],
    ['the same corner twice', [[0, 0], [0, 0], [1, 0], [1, 1]], 'crossing'],
    ['three on a line', [[0, 0], [0.5, 0.5], [1, 1]], 'no_area'],
  ])('%s', (_, shape, fault) => {
    expect(wrong(shape)).toBe(fault)
  })

  it('has corners that move within the picture, come and go', () => {
    expect(moved(SQUARE, 2, [1.4, 0.33335])[2]).toEqual([1, 0.3334])
    expect(nudged(SQUARE, 0, 10, 1, 1280, 720)[0]).toEqual([0.0078, 0.0014])
    expect(middle(SQUARE, 3)).toEqual([0, 0.5])
    const five = inserted(SQUARE, 3, middle(SQUARE, 3))
    expect(five[4]).toEqual([0, 0.5])
    expect(removed(five, 4)).toEqual(SQUARE)
  })
})

describe('steps', () => {
  it('go back, and on again, until another one is made', () => {
    const three = Steps.begin(1).to(2).to(3)
    expect([three.undo().now, three.undo().undo().now, three.undo().undo().undo().now]).toEqual([2, 1, 1])
    expect(three.undo().redo().now).toBe(3)
    const other = three.undo().to(4)
    expect([other.now, other.canRedo, other.undo().now]).toEqual([4, false, 2])
  })

  it('that are joined are one', () => {
    const held = Steps.begin(1).to(2).to(3, true).to(4, true)
    expect([held.now, held.undo().now, held.undo().canUndo]).toEqual([4, 1, false])
  })
})
