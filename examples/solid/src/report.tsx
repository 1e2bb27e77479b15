import { render } from 'solid-js/web'
import { IncomeReport } from './IncomeReport'
import { connect } from './signals'

connect()
render(() => <IncomeReport />, document.querySelector('#page') as Element)
