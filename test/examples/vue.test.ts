import { describeExample } from './framework-example.js'

describeExample('vue', 'IncomeReport.vue')
