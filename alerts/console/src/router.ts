import { createRouter, createWebHistory } from 'vue-router'

import { useSession } from '@/stores/session'
import ConnectView from '@/views/ConnectView.vue'
import DeliveriesView from '@/views/DeliveriesView.vue'
import EffectsView from '@/views/EffectsView.vue'
import GuestsView from '@/views/GuestsView.vue'
import LoginView from '@/views/LoginView.vue'
import MyCameraView from '@/views/MyCameraView.vue'
import SettingsView from '@/views/SettingsView.vue'
import WallView from '@/views/WallView.vue'

export const router = createRouter({
  history: createWebHistory(),
  routes: [
    { path: '/', name: 'wall', component: WallView },
    { path: '/deliveries', name: 'deliveries', component: DeliveriesView },
    { path: '/effects', name: 'effects', component: EffectsView },
    { path: '/settings', name: 'settings', component: SettingsView },
    { path: '/guests', name: 'guests', component: GuestsView },
    // For people without a login: who they are stands in their link.
    { path: '/connect', name: 'connect', component: ConnectView, meta: { open: true } },
    { path: '/my-camera', name: 'my-camera', component: MyCameraView, meta: { open: true } },
    { path: '/login', name: 'login', component: LoginView },
    { path: '/:rest(.*)*', redirect: '/' },
  ],
})

router.beforeEach(async (to) => {
  if (to.meta.open) return true
  const session = useSession()
  if (session.user === undefined) await session.check()
  if (!session.user && to.name !== 'login') return { name: 'login', query: to.fullPath === '/' ? {} : { to: to.fullPath } }
  if (session.user && to.name === 'login') return { name: 'wall' }
  return true
})
