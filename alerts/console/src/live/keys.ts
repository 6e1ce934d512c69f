import { onMounted, onUnmounted } from 'vue'

import type { Action } from '@/api/client'
import { ACTION_KEYS, ACTIONS } from '@/life'

interface Wall {
  /** Something stands in front of everything else. */
  blocked(): boolean
  inDetail(): boolean
  move(step: number): void
  detail(): void
  act(action: Action): void
  sound(): void
  /** Says again what was said last. */
  again?(): void
  words?(): void
  quiet?(): void
  search?(): void
  help?(): void
}

/** What else a letter does. */
const OTHERS: Record<string, 'sound' | 'again' | 'words' | 'quiet'> = { M: 'sound', B: 'again', T: 'words', Q: 'quiet' }

/** The letter of a key, whether or not an input method is switched on: then only the key's place says it. */
function letter(event: KeyboardEvent): string {
  return /^[a-z]$/i.test(event.key) ? event.key.toUpperCase() : event.code.replace(/^Key/, '')
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
}

/** What was chosen with the mouse gives the keyboard back to the page; with the keyboard one goes on choosing. */
export function leave(event: Event): void {
  const field = event.target as HTMLElement
  if (!field.matches(':focus-visible')) field.blur()
}

/** The keyboard of the wall: arrows, Enter, and a letter for each action. */
export function useWallKeys(wall: Wall): void {
  function press(event: KeyboardEvent): void {
    if (event.ctrlKey || event.altKey || event.metaKey || event.repeat || isTyping(event.target) || wall.blocked()) return
    const action = ACTIONS.find((candidate) => ACTION_KEYS[candidate] === letter(event))
    if (action) wall.act(action)
    else if (OTHERS[letter(event)]) wall[OTHERS[letter(event)]!]?.()
    else if (event.key === '?' || (event.code === 'Slash' && event.shiftKey)) wall.help?.()
    else if (event.key === '/' || event.code === 'Slash') wall.search?.()
    else if (wall.inDetail()) return
    else if (event.key === 'ArrowDown') wall.move(1)
    else if (event.key === 'ArrowUp') wall.move(-1)
    else if (event.key === 'Enter' && !(event.target as Element).closest('button, a')) wall.detail()
    else return
    event.preventDefault()
  }

  onMounted(() => addEventListener('keydown', press))
  onUnmounted(() => removeEventListener('keydown', press))
}
