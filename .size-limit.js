/** Byte budgets, minified and gzipped, both dependencies included; what exceeds one fails the build. */
function withoutComments(config) {
  // What a page downloads: license banners are in files of their own.
  return { ...config, legalComments: 'none' }
}

const imports = { path: 'dist/index.js', gzip: true, modifyEsbuildConfig: withoutComments }

export default [
  { ...imports, name: '{ sendSignal, receiveSignal }', import: '{ sendSignal, receiveSignal }', limit: '400 B' },
  { ...imports, name: '{ createSignalClient }', import: '{ createSignalClient }', limit: '10900 B' },
  { ...imports, name: 'testing', path: 'dist/testing/index.js', import: '{ createTestRelay }', limit: '3400 B' },
  { name: 'script tag', path: 'dist/umd/signalpost.min.js', gzip: true, limit: '12100 B' },
]
