// What your own backend does. The browser's storage stands in for its database.

export interface Income {
  readonly amount: number
  readonly time: string
}

export function saveIncome(amount: number): void {
  const income: Income = { amount, time: new Date().toLocaleTimeString('en-GB') }
  localStorage.setItem('incomes', JSON.stringify([...loadIncomes(), income]))
}

export function loadIncomes(): Income[] {
  return JSON.parse(localStorage.getItem('incomes') ?? '[]') as Income[]
}
