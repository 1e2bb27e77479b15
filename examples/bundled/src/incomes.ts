// What your own backend does. The browser's storage stands in for its database.

export function saveIncome(amount: number): void {
  localStorage.setItem('incomes', JSON.stringify([...loadIncomes(), amount]))
}

export function loadIncomes(): number[] {
  return JSON.parse(localStorage.getItem('incomes') ?? '[]') as number[]
}
