import { mount } from 'svelte'
import IncomeForm from './IncomeForm.svelte'
import { connect } from './signals'

connect()
mount(IncomeForm, { target: document.querySelector('#page') as Element })
