import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Extractor, ExtractorConfig } from '@microsoft/api-extractor'

/**
 * Compares the public types of every entry point of the package with the report beside this file, and fails where they
 * changed unannounced. With `--local` it writes the reports.
 */

const file = (path) => fileURLToPath(new URL(path, import.meta.url))
const manifest = JSON.parse(readFileSync(file('../../../package.json'), 'utf8'))
const settings = ExtractorConfig.loadFile(file('api-extractor.json'))

for (const [entry, { types }] of Object.entries(manifest.exports)) {
  if (!types) continue
  const reportFileName = entry === '.' ? manifest.name : basename(entry)
  const config = ExtractorConfig.prepare({
    configObject: {
      ...settings,
      mainEntryPointFilePath: file(`../../../${types.default ?? types}`),
      apiReport: { ...settings.apiReport, reportFileName },
    },
    configObjectFullPath: file('api-extractor.json'),
    packageJsonFullPath: file('../../../package.json'),
  })
  const { succeeded, apiReportChanged } = Extractor.invoke(config, { localBuild: process.argv.includes('--local') })
  if (succeeded) continue
  process.exitCode = 1
  if (apiReportChanged) console.error(`${reportFileName}: the public types changed. If they should, "npm run api".`)
}
