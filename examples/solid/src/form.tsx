import { render } from 'solid-js/web'
import { IncomeForm } from './IncomeForm'
import { connect } from './signals'

connect()
render(() => <IncomeForm />, document.querySelector('#page') as Element)
