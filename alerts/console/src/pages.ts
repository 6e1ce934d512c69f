import type { Component } from 'vue'

import type { LoggedIn } from '@/api/client'
import type { Glyph } from '@/components/GlyphIcon.vue'

type Role = LoggedIn['role']

/** A page of the console: an entry of the navigation, whose view is fetched when it is first opened. */
export interface Page {
  name: string
  path: string
  /** The key of its name in the navigation. */
  title: string
  icon: Glyph
  view: () => Promise<Component>
  /** Who may open it, beside administrators; everybody where it is not given. */
  role?: Role | readonly Role[]
}

/** In the order of the navigation: what is needed in a hurry comes first. */
export const PAGES: readonly Page[] = [
  { name: 'wall', path: '/', title: 'shell.wall', icon: 'bell', view: () => import('@/views/WallView.vue') },
  { name: 'incidents', path: '/incidents', title: 'incident.nav', icon: 'list', view: () => import('@/views/IncidentsView.vue') },
  { name: 'map', path: '/map', title: 'map.nav', icon: 'pin', view: () => import('@/views/MapView.vue') },
  { name: 'cameras', path: '/cameras', title: 'camera.title', icon: 'camera', view: () => import('@/views/CamerasView.vue') },
  { name: 'shift', path: '/shift', title: 'shell.shift', icon: 'swap', view: () => import('@/views/ShiftView.vue') },
  { name: 'speakers', path: '/speakers', title: 'shell.speakers', icon: 'megaphone', view: () => import('@/views/SpeakersView.vue') },
  { name: 'walk', path: '/walk', title: 'walk.nav', icon: 'walk', view: () => import('@/views/WalkView.vue') },
  { name: 'rules', path: '/rules', title: 'shell.rules', icon: 'sliders', view: () => import('@/views/RulesView.vue'), role: 'operator' },
  { name: 'plates', path: '/plates', title: 'shell.plates', icon: 'plate', view: () => import('@/views/PlatesView.vue') },
  { name: 'statistics', path: '/statistics', title: 'shell.statistics', icon: 'chart', view: () => import('@/views/StatisticsView.vue') },
  { name: 'settings', path: '/settings', title: 'shell.settings', icon: 'shield', view: () => import('@/views/SettingsView.vue'), role: 'operator' },
  { name: 'guests', path: '/guests', title: 'shell.guests', icon: 'camera', view: () => import('@/views/GuestsView.vue'), role: 'operator' },
  {
    name: 'administration',
    path: '/administration',
    title: 'shell.administration',
    icon: 'wrench',
    view: () => import('@/views/AdministrationView.vue'),
  },
]

/** The pages that somebody of that role may open. */
export const pagesFor = (role: Role | undefined): readonly Page[] =>
  PAGES.filter((page) => !page.role || role === 'administrator' || [page.role].flat().some((one) => one === role))
