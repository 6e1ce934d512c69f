import { createRouter, createWebHistory } from 'vue-router'

import { PAGES, pagesFor } from '@/pages'
import { useSession } from '@/stores/session'
import LoginView from '@/views/LoginView.vue'

export const router = createRouter({
  history: createWebHistory(),
  routes: [
    ...PAGES.map(({ name, path, view }) => ({ name, path, component: view })),
    { path: '/incidents/:id', name: 'incident', component: () => import('@/views/IncidentView.vue') },
    { path: '/cameras/:camera', name: 'camera', component: () => import('@/views/CameraView.vue') },
    // For people without a login: who they are stands in their link.
    { path: '/connect', name: 'connect', component: () => import('@/views/ConnectView.vue'), meta: { open: true } },
    { path: '/my-camera', name: 'my-camera', component: () => import('@/views/MyCameraView.vue'), meta: { open: true } },
    { path: '/deliveries', redirect: { path: '/administration', query: { tab: 'deliveries' } } },
    { path: '/effects', redirect: '/statistics' },
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
  const page = PAGES.find(({ name }) => name === to.name)
  return !page || pagesFor(session.user?.role).includes(page) || { name: 'wall' }
})
