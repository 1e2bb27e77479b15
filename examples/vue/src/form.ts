import { createApp } from 'vue'
import IncomeForm from './IncomeForm.vue'
import { connect } from './signals'

connect()
createApp(IncomeForm).mount('#page')
