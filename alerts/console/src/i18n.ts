import { createI18n } from 'vue-i18n'

import en from './locales/en'
import zh from './locales/zh'

export type Language = 'zh' | 'en'

export const i18n = createI18n<[typeof zh], Language, false>({
  legacy: false,
  locale: 'zh',
  fallbackLocale: 'zh',
  messages: { zh, en },
})
