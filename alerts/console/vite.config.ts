import { fileURLToPath } from 'node:url'

import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  plugins: [vue()],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  define: {
    __VUE_OPTIONS_API__: false,
    __VUE_PROD_DEVTOOLS__: false,
    __VUE_I18N_LEGACY_API__: false,
    __VUE_I18N_FULL_INSTALL__: false,
    __INTLIFY_PROD_DEVTOOLS__: false,
  },
  build: {
    outDir: '../api/static',
    emptyOutDir: true,
    target: 'es2022',
    // A picture inlined as data: would need an exception in the content security policy.
    assetsInlineLimit: 0,
    // Libraries of one page, such as that of the map, come with the page and not before.
    chunkSizeWarningLimit: 1200,
  },
  // One makes the client anew from the document: seconds on a busy machine.
  test: { include: ['tests/**/*.test.ts'], environment: 'node', testTimeout: 60_000 },
  server: {
    // `npm run dev` beside a running service.
    proxy: Object.fromEntries(['/api', '/share'].map((path) => [path, process.env.LIANFANG_API ?? 'http://127.0.0.1:8800'])),
  },
})
