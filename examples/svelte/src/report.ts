import { mount } from 'svelte'
import IncomeReport from './IncomeReport.svelte'
import { connect } from './signals'

connect()
mount(IncomeReport, { target: document.querySelector('#page') as Element })
