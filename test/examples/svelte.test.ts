import { describeExample } from './framework-example.js'

describeExample('svelte', 'IncomeReport.svelte')
