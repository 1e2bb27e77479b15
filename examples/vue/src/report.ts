import { createApp } from 'vue'
import IncomeReport from './IncomeReport.vue'
import { connect } from './signals'

connect()
createApp(IncomeReport).mount('#page')
