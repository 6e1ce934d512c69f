import { defineStore } from 'pinia'
import { computed, ref } from 'vue'

import { api, ApiProblem, type Community, type LoggedIn, unwrap } from '@/api/client'

const HINT = 'lianfang.session_ends'

/** Who is logged in; undefined until the server has said so. */
export const useSession = defineStore('session', () => {
  const user = ref<LoggedIn | null>()
  const ended = ref(false)
  /** Workers look, and change what they are assigned to; everything else is for operators. */
  const isOperator = computed(() => user.value?.role === 'operator' || user.value?.role === 'administrator')
  const community = ref<Community>()

  /** Asks the server who is logged in. A server that does not answer changes nothing. */
  async function check(): Promise<void> {
    // The cookie cannot be seen from here; this only spares a request that is sure to be refused.
    if (user.value === undefined && Number(localStorage.getItem(HINT) ?? 0) < Date.now()) {
      user.value = null
      return
    }
    try {
      await enter(await unwrap(api.GET('/api/session')))
    } catch (error) {
      if (error instanceof ApiProblem && error.status === 401) leave()
      else user.value ??= null
    }
  }

  async function login(operator: string, password: string): Promise<void> {
    await enter(await unwrap(api.POST('/api/login', { body: { operator, password } })))
  }

  /** Chooses another password; every other session of theirs ends. */
  async function choosePassword(current: string, chosen: string): Promise<void> {
    await enter(await unwrap(api.POST('/api/password', { body: { current, new: chosen } })))
  }

  async function logout(): Promise<void> {
    await unwrap(api.POST('/api/logout'))
    localStorage.removeItem(HINT)
    user.value = null
  }

  async function enter(who: LoggedIn): Promise<void> {
    // Before they have a password of their own the server tells them nothing else.
    if (!who.must_change) community.value ??= await unwrap(api.GET('/api/community'))
    localStorage.setItem(HINT, String(Date.parse(who.expires_at)))
    user.value = who
    ended.value = false
  }

  /** The session is over, by whatever it was. */
  function leave(): void {
    localStorage.removeItem(HINT)
    ended.value = Boolean(user.value)
    user.value = null
  }

  return { user, isOperator, ended, community, check, login, choosePassword, logout, leave }
})
