import { expect, it } from 'vitest'

import { questions } from '@/live/newest'

it('takes the answer of the newest question alone, in whatever order answers come', () => {
  const begin = questions()
  const [first, second] = [begin(), begin()]
  expect([second(), first()]).toEqual([true, false])
  const third = begin()
  expect([second(), third()]).toEqual([false, true])
})
