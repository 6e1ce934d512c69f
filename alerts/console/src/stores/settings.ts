import { defineStore } from 'pinia'
import { computed, ref, watchEffect } from 'vue'

import { i18n, type Language } from '@/i18n'
import { NOTIFY_FROM, type NotifyFrom } from '@/live/ringing'

const KEYS = { language: 'lianfang.language', theme: 'lianfang.theme', sound: 'lianfang.sound', notify: 'lianfang.notify' } as const

function stored<T extends string>(key: string, allowed: readonly T[]): T | undefined {
  const value = localStorage.getItem(key)
  return allowed.find((candidate) => candidate === value)
}

/** What an operator sets for this browser: language, light or dark, sound. */
export const useSettings = defineStore('settings', () => {
  const languages: readonly Language[] = ['zh', 'en']
  const language = ref<Language>(stored(KEYS.language, languages) ?? 'zh')
  const systemDark = matchMedia('(prefers-color-scheme: dark)')
  const systemIsDark = ref(systemDark.matches)
  systemDark.addEventListener('change', (event) => (systemIsDark.value = event.matches))
  const chosenTheme = ref(stored(KEYS.theme, ['light', 'dark'] as const))
  const dark = computed(() => (chosenTheme.value ? chosenTheme.value === 'dark' : systemIsDark.value))
  const sound = ref(stored(KEYS.sound, ['on', 'off'] as const) === 'on')

  const notifyFrom = ref<NotifyFrom>(stored(KEYS.notify, NOTIFY_FROM) ?? 'high')

  watchEffect(() => {
    i18n.global.locale.value = language.value
    document.documentElement.lang = language.value === 'zh' ? 'zh-CN' : 'en'
  })
  watchEffect(() => {
    document.documentElement.classList.toggle('dark', dark.value)
  })

  function switchLanguage(): void {
    language.value = language.value === 'zh' ? 'en' : 'zh'
    localStorage.setItem(KEYS.language, language.value)
  }

  function switchTheme(): void {
    chosenTheme.value = dark.value ? 'light' : 'dark'
    localStorage.setItem(KEYS.theme, chosenTheme.value)
  }

  function setSound(on: boolean): void {
    sound.value = on
    localStorage.setItem(KEYS.sound, on ? 'on' : 'off')
  }

  function setNotifyFrom(from: NotifyFrom): void {
    notifyFrom.value = from
    localStorage.setItem(KEYS.notify, from)
  }

  return { language, dark, sound, notifyFrom, switchLanguage, switchTheme, setSound, setNotifyFrom }
})
